"""Figures of several builds and poses, each drawn from known joints."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from apps.puppet.joints.silhouette.estimate import Estimate, estimate
from apps.puppet.skeleton import Skeleton
from tests.apps.puppet.joints.figures import mask_of, skeleton

Mask = NDArray[np.uint8]
Points = dict[str, tuple[float, float]]

CHIBI: Points = {
    "root": (100, 290), "hip": (100, 290), "torso": (100, 205), "neck": (100, 110),
    "right_shoulder": (72, 208), "right_elbow": (50, 238), "right_hand": (26, 268),
    "left_shoulder": (128, 208), "left_elbow": (150, 238), "left_hand": (174, 268),
    "right_hip": (80, 292), "right_knee": (79, 325), "right_foot": (78, 358),
    "left_hip": (120, 292), "left_knee": (121, 325), "left_foot": (122, 358),
}  # fmt: skip
"""With a head of two fifths of the height and short legs."""
UP: Points = {"right_elbow": (40, 60), "right_hand": (20, 15),
              "left_elbow": (160, 60), "left_hand": (180, 15)}  # fmt: skip
OUT: Points = {"right_elbow": (40, 95), "right_hand": (12, 95),
               "left_elbow": (160, 95), "left_hand": (188, 95)}  # fmt: skip
AKIMBO: Points = {"right_elbow": (35, 145), "right_hand": (78, 190),
                  "left_elbow": (165, 145), "left_hand": (122, 190)}  # fmt: skip
HIDDEN: Points = {"right_elbow": (74, 140), "right_hand": (78, 185),
                  "left_elbow": (126, 140), "left_hand": (122, 185)}  # fmt: skip
ON_BELLY: Points = {"right_elbow": (42, 238), "right_hand": (82, 252)}


def adult(pose: Points, limb: float = 16) -> tuple[Skeleton, Mask]:
    truth = skeleton(**pose)
    return truth, mask_of(truth, limb=limb)


def chibi(pose: Points, limb: float = 22) -> tuple[Skeleton, Mask]:
    truth = skeleton(**CHIBI | pose)
    return truth, mask_of(truth, head=74, limb=limb)


def polygon(mask: Mask, *points: tuple[float, float]) -> None:
    cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], 255)


def plain(mask: Mask) -> None:
    """Nothing more."""


def skirt(mask: Mask) -> None:
    polygon(mask, (84, 168), (116, 168), (154, 262), (46, 262))


def gown(mask: Mask) -> None:
    """Down to the shins, so that but a bit of the legs is seen."""
    polygon(mask, (82, 150), (118, 150), (150, 330), (50, 330))


def wide_trousers(mask: Mask) -> None:
    for side in (-1, 1):
        xs = (100 + side * np.array([3, 34, 52, 10])).tolist()
        polygon(mask, *zip(xs, (205, 205, 340, 340), strict=True))


def pony_tail(mask: Mask) -> None:
    """To one side of the head."""
    polygon(mask, (115, 20), (152, 16), (168, 60), (172, 110), (150, 80), (140, 45))


def bunches(mask: Mask) -> None:
    """Hair to both sides of the head."""
    for x in (58, 142):
        cv2.circle(mask, (x, 42), 18, 255, -1)


def hair_to_the_shoulders(mask: Mask) -> None:
    cv2.rectangle(mask, (70, 44), (130, 76), 255, -1)


def flat_shoes(mask: Mask) -> None:
    for x in (78, 122):
        cv2.rectangle(mask, (x - 18, 350), (x + 18, 372), 255, -1)


def overalls(mask: Mask) -> None:
    """A wide body down to just above the feet, with a small gap between the legs."""
    cv2.rectangle(mask, (58, 205), (142, 335), 255, -1)
    cv2.rectangle(mask, (97, 310), (103, 335), 0, -1)


BUILDS = [
    (adult, {}, (plain,), 0.03),
    (adult, {}, (skirt,), 0.05),
    (adult, OUT, (skirt,), 0.04),
    (adult, UP, (skirt,), 0.04),
    (adult, {}, (skirt, pony_tail), 0.05),
    (adult, OUT, (skirt, pony_tail), 0.04),
    (adult, {}, (skirt, bunches), 0.05),
    (adult, OUT, (gown,), 0.06),
    (adult, {}, (wide_trousers,), 0.05),
    (adult, OUT, (wide_trousers, pony_tail), 0.05),
    (adult, AKIMBO, (plain,), 0.05),
    (adult, AKIMBO, (skirt, pony_tail), 0.06),
    (adult, {}, (hair_to_the_shoulders,), 0.06),
    (adult, OUT, (bunches,), 0.04),
    (chibi, {}, (flat_shoes,), 0.04),
    (chibi, {}, (overalls, flat_shoes), 0.06),
    (chibi, ON_BELLY, (overalls, flat_shoes), 0.06),
]


def errors(found: Skeleton, truth: Skeleton, mask: Mask) -> dict[str, float]:
    """Distance of each joint, as a share of the height of the figure."""
    height = np.ptp(np.flatnonzero(mask.any(axis=1)))
    return {name: float(np.hypot(*(found[name] - truth[name])) / height) for name in truth.names}


def dressed(
    build: Callable[[Points], tuple[Skeleton, Mask]],
    pose: Points,
    clothes: tuple[Callable[[Mask], None], ...],
) -> tuple[Skeleton, Mask, Estimate]:
    truth, mask = build(pose)
    for put_on in clothes:
        put_on(mask)
    return truth, mask, estimate(mask)


@pytest.mark.parametrize(("build", "pose", "clothes", "most"), BUILDS)
def test_builds(
    build: Callable[[Points], tuple[Skeleton, Mask]],
    pose: Points,
    clothes: tuple[Callable[[Mask], None], ...],
    most: float,
) -> None:
    truth, mask, found = dressed(build, pose, clothes)
    far = errors(found.skeleton, truth, mask)
    assert found.kind == "standing" and found.confidence > 0.6
    assert np.mean(list(far.values())) < most and max(far.values()) < 0.2


@pytest.mark.parametrize(("name", "index"), [("girl", 0), ("boy", 1)])
def test_the_characters_of_the_sample(root: Path, name: str, index: int) -> None:
    truth = Skeleton.build(json.loads((root / "tests/data/duo_joints.json").read_text())[index])
    labels = np.asarray(Image.open(root / "tests/data/duo_truth.png"))
    mask = ((labels == index + 1) * 255).astype(np.uint8)
    found = estimate(mask)
    far = errors(found.skeleton, truth, mask)
    print(f"{name}: {np.mean(list(far.values())):.1%} of the height")
    assert found.kind == "standing" and found.confidence > 0.7
    assert np.mean(list(far.values())) < 0.06 and max(far.values()) < 0.12


@pytest.mark.parametrize(
    ("pose", "clothes", "note"),
    [
        (HIDDEN, (plain,), "the arms cannot be told from the body and are left out"),
        (HIDDEN, (skirt,), "the arms cannot be told from the body and are left out"),
        (
            HIDDEN,
            (gown, hair_to_the_shoulders),
            "the arms cannot be told from the body and are left out",
        ),
    ],
)
def test_guesses_are_told(
    pose: Points, clothes: tuple[Callable[[Mask], None], ...], note: str
) -> None:
    found = dressed(adult, pose, clothes)[2]
    assert found.confidence < 0.4 and note in found.notes


def test_the_hand_before_the_body_is_told() -> None:
    found = dressed(chibi, ON_BELLY, (overalls, flat_shoes))[2]
    assert "the right hand, before the body, is a guess" in found.notes
    assert found.confidence < dressed(chibi, {}, (overalls, flat_shoes))[2].confidence


def test_what_goes_on_four_legs_is_no_sure_figure() -> None:
    mask = np.zeros((200, 300), np.uint8)
    cv2.ellipse(mask, (160, 90), (90, 40), 0, 0, 360, 255, -1)
    cv2.circle(mask, (55, 50), 32, 255, -1)
    for x in (95, 125, 200, 230):
        cv2.line(mask, (x, 100), (x, 185), 255, 16)
    assert estimate(mask).confidence < 0.4


@pytest.mark.parametrize(
    ("feet", "kind"), [(True, "standing"), (False, "bust")], ids=["shoes", "cut"]
)
def test_flat_shoes_at_the_border_are_no_cut(feet: bool, kind: str) -> None:
    _, mask = adult({})
    wide_trousers(mask)
    if feet:
        flat_shoes(mask)
    assert estimate(mask[: 373 if feet else 325]).kind == kind
