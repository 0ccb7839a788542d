from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from apps.puppet.joints.silhouette.estimate import estimate
from apps.puppet.skeleton import BUST, STANDARD, Skeleton
from cartoonedit.errors import InvalidInput
from tests.apps.puppet.joints.figures import ADULT, mask_of, skeleton


def error(found: Skeleton, truth: Skeleton, mask: NDArray[np.uint8]) -> float:
    """Mean distance of the joints, as a share of the height of the figure."""
    far = [np.hypot(*(found[name] - truth[name])) for name in found.names]
    return float(np.mean(far) / np.ptp(np.flatnonzero(mask.any(axis=1))))


RAISED = {"right_elbow": (40, 60), "right_hand": (20, 15), "left_elbow": (160, 60),
          "left_hand": (180, 15)}  # fmt: skip
SPREAD = {"right_elbow": (40, 95), "right_hand": (12, 95), "left_elbow": (160, 95),
          "left_hand": (188, 95)}  # fmt: skip
STRIDE = {"right_knee": (65, 285), "right_foot": (40, 350), "left_knee": (135, 285),
          "left_foot": (160, 350)}  # fmt: skip
ON_HIPS = {"right_elbow": (35, 150), "right_hand": (78, 195), "left_elbow": (165, 150),
           "left_hand": (122, 195)}  # fmt: skip


@pytest.mark.parametrize("scale", [0.3, 1, 4])
@pytest.mark.parametrize(
    ("moved", "options", "most"),
    [
        ({}, {}, 0.035),
        (RAISED, {}, 0.035),
        (SPREAD, {}, 0.035),
        (STRIDE, {}, 0.035),
        (ON_HIPS, {}, 0.045),
        (RAISED | STRIDE, {}, 0.035),
        ({}, {"limb": 8}, 0.04),
        (SPREAD | STRIDE, {"limb": 5}, 0.04),
    ],
    ids=["arms down", "arms up", "spread", "stride", "hands on hips", "star", "thin", "sticks"],
)
def test_a_drawn_figure(
    moved: dict[str, tuple[int, int]], options: dict[str, float], most: float, scale: float
) -> None:
    truth = skeleton(**moved)
    mask = mask_of(truth, scale=scale, **options)  # type: ignore[arg-type]
    found = estimate(mask)
    assert found.kind == "standing" and found.confidence > 0.6
    assert error(found.skeleton, truth.moved(truth.points_xy * scale), mask) < most
    assert found.skeleton.tree == STANDARD


def test_left_is_the_characters_own() -> None:
    found = estimate(mask_of(skeleton())).skeleton
    for part in ("shoulder", "elbow", "hand", "hip", "knee", "foot"):
        assert found[f"left_{part}"][0] > found[f"right_{part}"][0]


@pytest.mark.parametrize(("name", "most"), [("char1", 0.05), ("char5", 0.09)])
def test_drawings_of_children(shared: Path, name: str, most: float) -> None:
    """Beside joints that people placed; of six arms the middle ones."""
    folder = shared / "fixtures/puppet/characters" / name
    config = yaml.safe_load((folder / "char_cfg.yaml").read_text())
    annotated = {joint["name"]: joint["loc"] for joint in config["skeleton"]}
    mask = cv2.imread(str(folder / "mask.png"), cv2.IMREAD_GRAYSCALE)
    points = {joint: annotated.get(joint, annotated.get(f"{joint}2")) for joint in STANDARD}
    share = error(estimate(mask).skeleton, Skeleton.build(points), mask)  # type: ignore[arg-type]
    print(f"{name}: {share:.1%} of the height")
    assert share < most


def test_arms_that_cannot_be_seen_are_left_out() -> None:
    """A guess would take a piece of the body along."""
    hidden = {"right_elbow": (72, 140), "right_hand": (76, 190), "left_elbow": (128, 140),
              "left_hand": (124, 190)}  # fmt: skip
    mask = mask_of(skeleton(**hidden))
    found = estimate(mask)
    assert "the arms cannot be told from the body and are left out" in found.notes
    assert {"left_shoulder", "right_shoulder", "left_foot"} <= {*found.skeleton.names}
    assert not any("elbow" in name or "hand" in name for name in found.skeleton.names)
    x, y = np.floor(found.skeleton.points_xy).astype(int).T
    assert (mask[y, x] > 0).all()
    assert found.confidence < estimate(mask_of(skeleton(**SPREAD))).confidence


@pytest.mark.parametrize("rows", [170, 250])
def test_a_figure_that_is_cut_off_is_a_bust(rows: int) -> None:
    found = estimate(mask_of(skeleton())[:rows])
    assert found.kind == "bust" and found.skeleton.tree.keys() >= BUST.keys()
    assert not any("knee" in name or "foot" in name for name in found.skeleton.names)
    root, torso, neck = (found.skeleton[name] for name in ("root", "torso", "neck"))
    assert neck[1] < torso[1] < root[1] < rows
    assert abs(root[0] - 100) < 10 and abs(neck[0] - 100) < 5 and abs(neck[1] - 45) < 15


def test_a_skirt_hides_no_hips() -> None:
    """The legs begin above the hem."""
    mask = mask_of(skeleton(**SPREAD), limb=12)
    cv2.fillConvexPoly(mask, np.array([(85, 180), (115, 180), (150, 310), (50, 310)]), 255)
    found = estimate(mask)
    assert found.kind == "standing"
    assert found.skeleton["root"][1] < 250 and found.skeleton["left_foot"][1] > 330


def test_hair_is_no_arm() -> None:
    mask = mask_of(skeleton())
    for side in (-1, 1):  # two tails from the top of the head down to the knees
        tail = np.array([(100 + 25 * side, 30), (100 + 85 * side, 40), (100 + 95 * side, 280)])
        cv2.polylines(mask, [tail], False, 255, 8)
    found = estimate(mask).skeleton
    assert np.hypot(*(found["left_hand"] - ADULT["left_hand"])) < 25
    assert np.hypot(*(found["right_hand"] - ADULT["right_hand"])) < 25


def test_a_large_head_is_no_trunk() -> None:
    """A figure of two heads."""
    small = {"neck": (100, 90), "torso": (100, 185), "root": (100, 265), "hip": (100, 265),
             "right_shoulder": (78, 185), "right_elbow": (55, 205), "right_hand": (35, 225),
             "left_shoulder": (122, 185), "left_elbow": (145, 205), "left_hand": (165, 225),
             "right_hip": (85, 268), "right_knee": (82, 305), "right_foot": (79, 340),
             "left_hip": (115, 268), "left_knee": (118, 305), "left_foot": (121, 340)}  # fmt: skip
    truth = skeleton(**small)
    mask = mask_of(truth, head=82)
    found = estimate(mask)
    assert found.kind == "standing" and error(found.skeleton, truth, mask) < 0.05


@pytest.mark.parametrize(
    "draw",
    [
        lambda mask: cv2.circle(mask, (60, 60), 50, 255, -1),
        lambda mask: cv2.rectangle(mask, (5, 40), (115, 80), 255, -1),
        lambda mask: cv2.ellipse(mask, (60, 60), (55, 30), 0, 0, 360, 255, -1),
    ],
)
def test_what_has_no_parts_is_a_blob(draw: object) -> None:
    mask = np.zeros((120, 120), np.uint8)
    draw(mask)  # type: ignore[operator]
    mask[110:] = 0
    found = estimate(np.pad(mask, 5))
    assert found.confidence <= 0.3 and found.skeleton.tree.keys() >= BUST.keys()


def test_an_empty_mask_is_told() -> None:
    with pytest.raises(InvalidInput, match="empty mask"):
        estimate(np.zeros((10, 10), np.uint8))


def blobs(seed: int, width: int, height: int, count: int) -> NDArray[np.uint8]:
    """Islands, holes, lines and specks, up to the border."""
    random = np.random.default_rng(seed)
    mask = np.zeros((height, width), np.uint8)
    for _ in range(count):
        x, y, r = random.integers(-5, [width + 5, height + 5, max(3, min(width, height) // 3)])
        value = int(random.choice([0, 100, 255]))
        if random.random() < 0.5:
            cv2.circle(mask, (int(x), int(y)), abs(int(r)), value, -1)
        else:
            end = tuple(int(i) for i in random.integers(-5, [width, height]))
            cv2.line(mask, (int(x), int(y)), end, value, 1 + abs(int(r)) // 4)
    mask[random.integers(height), random.integers(width)] = 255
    return mask


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 400), st.integers(1, 400), st.integers(0, 12))
def test_any_mask_gives_a_skeleton(seed: int, width: int, height: int, count: int) -> None:
    mask = blobs(seed, width, height, count)
    found, again = estimate(mask), estimate(mask.copy())
    assert np.isfinite(found.skeleton.points_xy).all() and 0 <= found.confidence <= 1
    assert {"root", "torso", "neck", "left_shoulder", "right_shoulder"} <= set(found.skeleton.names)
    np.testing.assert_array_equal(found.skeleton.points_xy, again.skeleton.points_xy)
    margin = 0.1 * max(width, height) + 1
    assert (found.skeleton.points_xy > -margin).all()
    assert (found.skeleton.points_xy < np.array([width, height]) + margin).all()


@pytest.mark.parametrize(
    ("width", "height"), [(1, 1), (1, 300), (300, 1), (3, 2), (2000, 3), (1, 2)]
)
def test_the_smallest_masks(width: int, height: int) -> None:
    found = estimate(np.full((height, width), 255, np.uint8))
    assert np.isfinite(found.skeleton.points_xy).all()
