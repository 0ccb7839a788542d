"""Who owns each pixel."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from apps.puppet.joints.silhouette.estimate import estimate
from apps.puppet.parts.limbs import find_limbs
from apps.puppet.parts.regions import find_regions
from apps.puppet.skeleton import Skeleton
from cartoonedit.samples import sample_path
from tests.apps.puppet.figures import SHIRT, SKIN, TROUSERS, figure, points

ON_BELLY = {"right_elbow": (50, 96), "right_hand": (86, 112)}
INK = (20, 15, 30)


def owned(
    colours: NDArray[np.uint8], mask: NDArray[np.uint8], skeleton: Skeleton, name: str
) -> NDArray[np.bool_]:
    """The pixels of a limb."""
    limbs = find_limbs(skeleton)
    regions = find_regions(colours, mask >= 128, skeleton, limbs)
    number = [limb.name for limb in limbs].index(name) + 1
    return (regions.sheets == number) & (mask >= 128)


def alike(colours: NDArray[np.uint8], colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    return np.abs(colours.astype(int) - colour).max(axis=2) < 25


def belly(scale: int = 1) -> tuple[NDArray[np.uint8], NDArray[np.uint8], Skeleton]:
    """A figure whose right hand lies on its belly, with the joint of the hand at the wrist."""
    colours, mask, skeleton = figure(points(**ON_BELLY))
    moved = skeleton.points_xy.copy()
    moved[skeleton.index["right_hand"]] = (
        0.35 * moved[skeleton.index["right_elbow"]] + 0.65 * (moved[skeleton.index["right_hand"]])
    )
    colours, mask = (
        cv2.resize(each, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
        for each in (colours, mask)
    )
    return colours, mask, skeleton.moved(moved * scale)


@pytest.mark.parametrize("scale", [1, 3])
def test_a_hand_on_the_belly_goes_with_its_arm(scale: int) -> None:
    colours, mask, skeleton = belly(scale)
    arm = owned(colours, mask, skeleton, "right_hand")
    skin = alike(colours, SKIN)
    skin[: 88 * scale] = False  # its shoulder and the face
    skin[:, 96 * scale :] = False  # the other arm
    hand = skin.copy()
    hand[:, : 78 * scale] = False
    assert hand.sum() > 50 * scale**2
    assert (arm & hand).sum() / hand.sum() > 0.9
    assert (arm & skin).sum() / skin.sum() > 0.9
    shirt = alike(colours, SHIRT)
    assert (arm & shirt).sum() / shirt.sum() < 0.03


def test_what_is_beside_an_arm_but_of_the_body_s_colour_stays() -> None:
    # Wide trousers reach out to beneath the forearm.
    at = points(right_elbow=(36, 92), right_hand=(66, 112))
    colours, mask, skeleton = figure(at)
    wide = np.zeros(mask.shape, np.uint8)
    cv2.rectangle(wide, (34, 98), (126, 160), 255, -1)
    arm = np.zeros_like(wide)
    line = np.array([at["right_shoulder"], at["right_elbow"], at["right_hand"]], np.int32)
    cv2.polylines(arm, [line], False, 255, 15)
    colours[(wide > 0) & (arm == 0)] = TROUSERS
    mask = np.maximum(mask, wide)
    got = owned(colours, mask, skeleton, "right_hand")
    trousers = (wide > 0) & (arm == 0)
    assert (got & trousers).sum() < 0.02 * trousers.sum()


def test_a_plain_drawing_is_parted_by_its_shape() -> None:
    _, mask, skeleton = figure()
    white = np.full((*mask.shape, 3), 240, np.uint8)
    arm = owned(white, mask, skeleton, "right_hand")
    assert arm[110, 42] and arm[124, 43] and arm[96, 42]
    assert not arm[110, 62] and not arm[96, 66] and not arm[64, 58]
    leg = owned(white, mask, skeleton, "left_foot")
    assert leg[190, 96] and not leg[120, 92]


@pytest.mark.parametrize("width", [2, 4])
def test_the_outline_of_an_arm_before_the_body_is_the_arm_s(width: int) -> None:
    colours, mask, skeleton = belly(2)
    arm = np.zeros(mask.shape, np.uint8)
    names = ("right_shoulder", "right_elbow", "right_hand")
    at = points(**ON_BELLY)
    line = np.array([[at[name] for name in names]], np.float64) * 2
    cv2.polylines(arm, line.astype(np.int32), False, 255, 30)
    inner = cv2.erode(arm, np.ones((2 * width + 1,) * 2, np.uint8))
    ring = (arm > 0) & (inner == 0)
    colours[ring] = INK
    got = owned(colours, np.maximum(mask, arm), skeleton, "right_hand")
    before = ring.copy()
    before[: 2 * 88] = False
    before[:, : 2 * 60] = False
    assert before.sum() > 100
    assert (got & before).sum() / before.sum() > 0.8


@pytest.mark.parametrize("hem", [144, 150, 156])
def test_legs_begin_at_a_hem_that_is_near(hem: int) -> None:
    colours, mask, skeleton = figure()
    cv2.rectangle(colours, (50, 120), (110, hem), TROUSERS, -1)
    legs = (mask >= 128) & (np.arange(mask.shape[0]) > hem)[:, None]
    colours[legs] = SKIN
    cv2.line(colours, (50, hem), (110, hem), INK, 2)
    got = owned(colours, mask, skeleton, "left_foot")
    column = np.flatnonzero(got[:, 93])
    assert abs(column.min() - hem) <= 4


def test_a_cape_behind_an_arm_stays_on_the_trunk() -> None:
    colours, mask, skeleton = figure()
    cape = np.zeros(mask.shape, np.uint8)
    cv2.rectangle(cape, (127, 70), (156, 190), 255, -1)
    fresh = (cape > 0) & (mask == 0)
    colours[fresh] = (180, 20, 30)
    mask = np.maximum(mask, cape)
    got = owned(colours, mask, skeleton, "left_hand")
    assert (got & fresh).sum() < 0.1 * fresh.sum()


def test_what_a_hand_holds_goes_with_it() -> None:
    colours, mask, skeleton = figure(points(left_elbow=(130, 80), left_hand=(138, 60)))
    ball = np.zeros(mask.shape, np.uint8)
    cv2.circle(ball, (142, 40), 13, 255, -1)
    colours[ball > 0] = (30, 160, 60)
    got = owned(colours, np.maximum(mask, ball), skeleton, "left_hand")
    assert got[ball > 0].mean() > 0.9


def test_fingers_go_with_their_hand(root: Path) -> None:
    """Lines part them from it, and the overalls around them reach for them."""
    boy = np.asarray(Image.open(root / "tests/data/duo_truth.png")) == 2
    joints = json.loads((root / "tests/data/duo_joints.json").read_text(encoding="utf-8"))[1]
    colours = np.asarray(Image.open(sample_path("duo")).convert("RGB"))
    mask = (boy * 255).astype(np.uint8)
    arm = owned(colours, mask, estimate(mask).skeleton, "right_hand")
    around = np.zeros(mask.shape, np.uint8)
    cv2.circle(around, joints["right_hand"], 30, 1, -1)
    x, y = joints["right_hand"]
    hand = alike(colours, tuple(colours[y, x].tolist())) & (around > 0)
    assert hand.sum() > 500
    assert (arm & hand).sum() / hand.sum() > 0.995
