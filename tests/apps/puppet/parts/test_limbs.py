"""Which joints are limbs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.puppet.parts.limbs import TRUNK, find_limbs, sheets_of_joints
from apps.puppet.skeleton import BUST, STANDARD, Skeleton


def of_tree(tree: dict[str, str | None]) -> Skeleton:
    return Skeleton.build({name: (3.0 * i, 5.0 * i) for i, name in enumerate(tree)}, tree)


FOUR = ("left_foot", "left_hand", "right_foot", "right_hand")
ARMS = {f"{side}_{part}{n}" for side in ("left", "right") for part in ("hand",) for n in (1, 2, 3)}


def six_arms() -> dict[str, str | None]:
    tree: dict[str, str | None] = {"root": None, "hip": "root", "torso": "hip", "neck": "torso"}
    for side in ("left", "right"):
        for n in (1, 2, 3):
            tree[f"{side}_shoulder{n}"] = "torso"
            tree[f"{side}_elbow{n}"] = f"{side}_shoulder{n}"
            tree[f"{side}_hand{n}"] = f"{side}_elbow{n}"
    return tree


@pytest.mark.parametrize(
    ("tree", "names"),
    [
        (dict(STANDARD), set(FOUR)),
        (dict(BUST), set()),
        ({"root": None}, set()),
        (six_arms(), ARMS),
        ({"root": None, "tail": "root"}, {"tail"}),
        ({"root": None, "a": "root", "b": "a", "c": "b"}, {"c"}),  # a is as a shoulder
        ({"root": None, "spine": "root", "a": "spine", "b": "spine"}, {"a", "b"}),
        # Fingers belong to the hand that they are on.
        ({"root": None, "hand": "root", "f1": "hand", "f2": "hand"}, {"hand"}),
        ({"root": None, "neck": "root", "head": "neck", "left_ear": "head"}, set()),
    ],
)
def test_branches_that_leave_the_trunk_are_limbs(
    tree: dict[str, str | None], names: set[str]
) -> None:
    assert {limb.name for limb in find_limbs(of_tree(tree))} == names


def test_the_sheets_are_those_of_animated_drawings() -> None:
    skeleton = of_tree(dict(STANDARD))
    by_name = {limb.name: limb for limb in find_limbs(skeleton)}
    joints = {
        name: {skeleton.names[joint] for joint in limb.joints} for name, limb in by_name.items()
    }
    assert joints["left_hand"] == {"left_elbow", "left_hand"}
    assert joints["right_foot"] == {"right_knee", "right_foot"}
    assert skeleton.names[by_name["left_hand"].hangs_from] == "left_shoulder"


@given(st.lists(st.integers(0, 30), max_size=30), st.randoms())
def test_each_joint_is_on_one_sheet_that_its_parent_leads_to(parents: list[int], random) -> None:  # type: ignore[no-untyped-def]
    words = ["hip", "arm", "x", "hand", "neck", "y", "tail"]
    names = ["root", *(f"{random.choice(words)}{i}" for i in range(len(parents)))]
    above = (-1, *(parent % (i + 1) for i, parent in enumerate(parents)))
    skeleton = Skeleton(tuple(names), above, np.arange(2 * len(names)).reshape(-1, 2) % 17)
    limbs = find_limbs(skeleton)
    sheets = sheets_of_joints(skeleton, limbs)
    assert sum(len(limb.joints) for limb in limbs) == (sheets != TRUNK).sum()
    for joint, parent in enumerate(above):
        assert parent < 0 or sheets[parent] in (TRUNK, sheets[joint])
