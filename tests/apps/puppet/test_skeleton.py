from __future__ import annotations

import numpy as np
import pytest

from apps.puppet.skeleton import BUST, STANDARD, Skeleton
from cartoonedit.errors import InvalidInput

POINTS = {name: (float(index), 2.0 * index) for index, name in enumerate(STANDARD)}


def test_standard_tree() -> None:
    skeleton = Skeleton.build(POINTS)
    assert skeleton.tree == STANDARD
    assert skeleton.names[skeleton.root] == "root"
    assert [skeleton.names[joint] for joint in skeleton.depth_first] == [*STANDARD]
    assert [*skeleton["left_foot"]] == [15, 30]
    assert BUST.items() <= STANDARD.items()


def test_missing_joints_are_bridged() -> None:
    skeleton = Skeleton.build(POINTS).without(["left_elbow", "hip"])
    assert skeleton.tree["left_hand"] == "left_shoulder"
    assert skeleton.tree["torso"] == "root"
    assert len(skeleton) == 14
    assert "hip" not in skeleton


def test_depth_first_goes_down_each_branch() -> None:
    tree = Skeleton(tuple("abcde"), (2, 2, -1, 0, 1), np.zeros((5, 2)))
    assert "".join(tree.names[joint] for joint in tree.depth_first) == "cadbe"
    assert tree.children[2] == (0, 1)


@pytest.mark.parametrize(
    ("names", "parents", "points", "message"),
    [
        ("ab", (-1, -1), np.zeros((2, 2)), "without a parent: a, b"),
        ("ab", (1, 0), np.zeros((2, 2)), "without a parent: none"),
        ("abc", (-1, 2, 1), np.zeros((3, 2)), "must form one tree"),
        ("ab", (-1, 5), np.zeros((2, 2)), "must form one tree"),
        ("aa", (-1, 0), np.zeros((2, 2)), "joint 'a' twice"),
        ("ab", (-1, 0), np.array([[0, 0], [np.nan, 0]]), "'b' must have finite"),
        ("ab", (-1, 0), np.zeros((2, 3)), "a parent and a point"),
        ("", (), np.zeros((0, 2)), "a parent and a point"),
    ],
)
def test_what_is_no_tree(
    names: str, parents: tuple[int, ...], points: np.ndarray, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        Skeleton(tuple(names), parents, points)


def test_unknown_joint_lists_the_others() -> None:
    with pytest.raises(InvalidInput, match="no joint 'tail'; there is root, hip"):
        Skeleton.build(POINTS)["tail"]
