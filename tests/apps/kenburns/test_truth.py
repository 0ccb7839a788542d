"""Clips of a scene of which every view is known."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import cv2
import numpy as np
import pytest

from apps.kenburns import KenBurns
from apps.kenburns.camera import Pose
from apps.kenburns.options import Move
from tests.apps.kenburns.known_scene import KnownScene, psnr, stretch

KNOWN = KnownScene()
MOVES = [move for move in get_args(Move) if move != "focus-pull"]


@pytest.fixture(scope="module")
def single_layer() -> object:
    return KNOWN.single_layer()


@pytest.fixture(scope="module")
def filled() -> object:
    """The scene with a plate that was painted in by the program."""
    scene = KNOWN.scene()
    assert scene.plate is not None
    return scene


def test_the_truth_of_the_identity_is_the_picture() -> None:
    picture, uncovered = KNOWN.truth(Pose())
    np.testing.assert_array_equal(picture, KNOWN.scene().picture)
    assert not uncovered.any()


@pytest.mark.slow
@pytest.mark.parametrize("move", MOVES)
def test_with_the_true_plate_every_frame_is_the_truth(move: str) -> None:
    shot = KenBurns(move=move, strength=1.5).prepare(KNOWN.scene(with_plate=True))
    for t in (0.0, 0.35, 0.7, 1.0):
        frame = shot.frame(t)
        truth, uncovered = KNOWN.truth(shot.pose(t))
        assert psnr(frame, truth, np.ones_like(uncovered)) > 40, t
        # Nothing lies off by more than the softening of an edge.
        assert np.percentile(np.abs(frame.astype(int) - truth), 99.5) < 40, t


@pytest.mark.parametrize("how", ["hard", "large", "small", "aside"])
def test_masks_that_are_off_leave_no_halo(how: str) -> None:
    exact = KNOWN.scene(with_plate=True)
    window = np.ones((3, 3), np.uint8)
    wrong = {
        "hard": lambda mask: np.where(mask > 127, 255, 0).astype(np.uint8),
        "large": lambda mask: cv2.dilate(mask, window),
        "small": lambda mask: cv2.erode(mask, window),
        "aside": lambda mask: np.roll(mask, 1, axis=1),
    }[how]
    instances = [replace(instance, mask=wrong(instance.mask)) for instance in exact]
    shot = KenBurns(move="orbit", strength=2).prepare(exact.with_instances(instances))
    truth, _ = KNOWN.truth(shot.pose(1.0))
    assert psnr(shot.frame(1.0), truth, np.ones(truth.shape[:2], bool)) > 40


@pytest.mark.slow
# Going straight forward hides more than it shows.
@pytest.mark.parametrize("move", sorted({*MOVES} - {"zoom-in", "zoom-out"}))
def test_what_is_uncovered_is_better_than_in_a_single_layer(
    move: str, filled, single_layer
) -> None:
    shot = KenBurns(move=move, strength=3).prepare(filled)
    gains, stretches = [], []
    for t in (0.0, 0.25, 1.0):
        pose = shot.pose(t)
        truth, uncovered = KNOWN.truth(pose)
        if uncovered.sum() < 60:
            continue
        frame, warped = shot.frame(t), single_layer(pose)
        gains.append(psnr(frame, truth, uncovered) - psnr(warped, truth, uncovered))
        stretches.append(stretch(frame, truth, uncovered))
    assert gains, "nothing was uncovered"
    assert min(gains) >= 6
    wide = [value for value in stretches if np.isfinite(value)]  # others are all rim
    assert np.mean(wide or 1) == pytest.approx(1, abs=0.2)


def test_the_plate_does_not_flicker() -> None:
    # A wall moved by whole pixels: what is seen of it in two frames is the same to the bit.
    flat = KnownScene(slope=0.0, far=0.5)
    scene = flat.scene()
    render = KenBurns(move="orbit", strength=3).prepare(scene).render
    frames = {
        k: render(Pose(x=k / (0.5 * flat.width))).astype(int) for k in (-16, -12, -8, 8, 12, 16)
    }
    covered = np.zeros((flat.height, flat.width), bool)
    for disc in flat.discs:
        columns, rows = np.meshgrid(np.arange(flat.width), np.arange(flat.height))
        u = (columns + 0.5) / flat.width - 0.5
        v = (rows + 0.5 - flat.height / 2) / flat.width
        # wherever a disc comes in any of the frames, in coordinates of the wall
        covered |= (np.abs(u - disc.u) < disc.radius + 0.06) & (
            np.abs(v - disc.v) < disc.radius + 0.02
        )
    fixed = [np.roll(frame, k, axis=1)[:, 20:-20] for k, frame in frames.items()]
    free = ~covered[:, 20:-20]
    assert free.mean() > 0.3
    for frame in fixed[1:]:
        np.testing.assert_array_equal(frame[free], fixed[0][free])


@pytest.mark.slow
@pytest.mark.parametrize("loop", ["pingpong", "seamless"])
@pytest.mark.parametrize("move", ["autozoom", "pan-left", "orbit", "circle", "sway", "focus-pull"])
def test_a_loop_has_no_seam(move: str, loop: str) -> None:
    clip = KenBurns(move=move, loop=loop, duration=1, fps=20, accent="sway", easing="linear")
    frames = [frame.astype(int) for frame in clip.frames(KNOWN.scene(with_plate=True))]
    steps = [np.abs(frames[i] - frames[i - 1]).mean() for i in range(len(frames))]
    assert len(frames) == 20
    assert steps[0] <= max(steps[1:]) * 1.05  # from the last frame to the first
    assert min(steps[1:]) > 0 or move == "focus-pull"  # no frame twice
