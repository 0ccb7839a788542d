from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from apps.puppet.joints.find import find_joints
from apps.puppet.joints.silhouette.estimate import estimate
from cartoonedit.errors import InvalidInput
from cartoonedit.instance import Instance
from cartoonedit.scene import Scene
from tests.apps.puppet.joints.figures import ADULT, mask_of, skeleton

MASK = mask_of(skeleton())
PICTURE = np.zeros((*MASK.shape, 3), np.uint8)


def test_its_own_joints_come_first() -> None:
    given = Instance(MASK, name="a", joints={n: (x + 1, y) for n, (x, y) in ADULT.items()})
    found = find_joints(PICTURE, given)
    assert found.confidence == 1 and found.note == "its own joints"
    np.testing.assert_array_equal(found.skeleton["neck"], (101, 45))
    seen = find_joints(PICTURE, given, "silhouette")
    assert seen.confidence < 1 and seen.skeleton["neck"][0] != 101


def test_own_joints_outside_are_pulled_in() -> None:
    given = Instance(MASK, name="a", joints=ADULT | {"left_hand": (400, 190)})
    x, y = np.floor(find_joints(PICTURE, given).skeleton["left_hand"]).astype(int)
    assert MASK[y, x] == 255


def test_own_joints_without_a_root_are_told() -> None:
    given = Instance(MASK, name="a", joints={"left_hand": (100, 100)})
    with pytest.raises(InvalidInput, match="instance 'a': joints has no root"):
        find_joints(PICTURE, given)


def test_from_the_silhouette_of_a_scene() -> None:
    scene = Scene(PICTURE, [Instance(MASK, name="a")])
    found = find_joints(scene, scene[0])
    np.testing.assert_allclose(found.skeleton.points_xy, estimate(MASK).skeleton.points_xy, atol=3)
    assert found.note.startswith("from the silhouette, as a standing figure")


@pytest.mark.parametrize(
    ("source", "least", "message"),
    [("nonsense", 0.3, "no weights called 'nonsense'"), ("auto", 1.5, "must be in 0..1")],
)
def test_wrong_arguments_are_told(source: str, least: float, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        find_joints(PICTURE, Instance(MASK, name="a"), source, least_score=least)


def test_every_cut_out_gets_joints_inside(shared: Path) -> None:
    """The drawings of children whose masks are known."""
    stored = np.load(shared / "fixtures/puppet/segment.npz")
    for name in ("char1", "char2", "char3", "char4", "garlic"):
        shape = tuple(stored[f"{name}_shape"])
        mask = np.unpackbits(stored[f"{name}_mask"])[: shape[0] * shape[1]].reshape(shape) * 255
        found = find_joints(np.zeros((*shape, 3), np.uint8), Instance(mask.astype(np.uint8)))
        x, y = np.floor(found.skeleton.points_xy).astype(int).T
        assert (mask[y, x] > 0).all() and found.note.startswith("from the silhouette, as a stand")
