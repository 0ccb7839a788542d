from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from apps.puppet.classic.automatic import (
    motion_config,
    poses_in_picture,
    retarget_config,
    roles_of,
)
from apps.puppet.classic.character import read_drawing
from apps.puppet.classic.config import read_motion_config, read_retarget_config
from apps.puppet.motion.bvh import read_bvh
from apps.puppet.motion.library import find_motion, motion_names
from apps.puppet.motion.names import recognise
from cartoonedit.errors import InvalidInput


@pytest.mark.parametrize(("motion", "retarget"), [("dab", "fair1_ppf"), ("zombie", "fair1_ppf")])
def test_says_what_the_files_say(shared: Path, motion: str, retarget: str) -> None:
    """Of a known skeleton the arms and legs do the same as by the hand-written files."""
    folder = shared / "fixtures" / "puppet"
    written = read_motion_config(folder / "motion" / f"{motion}.yaml")
    bvh = read_bvh(written.filepath)
    drawing = read_drawing(folder / "characters" / "char1")
    bounds = (0.0, 0.0, *map(float, drawing.size_wh))
    made = motion_config(bvh, motion)
    assert made.up == written.up
    by_file = read_retarget_config(folder / "retarget" / f"{retarget}.yaml")
    by_names = retarget_config(bvh, motion)
    limbs = [name for name in by_file.mapping if name not in ("torso", "neck")]
    assert {name: by_names.mapping[name] for name in limbs} == {
        name: by_file.mapping[name] for name in limbs
    }
    one = poses_in_picture(bvh, made, by_names, drawing.skeleton, bounds)
    other = poses_in_picture(bvh, written, by_file, drawing.skeleton, bounds)
    legs = [drawing.skeleton.index[f"{side}_foot"] for side in ("left", "right")]
    root = drawing.skeleton.root
    for poses in (one, other):
        assert np.isfinite(poses.joints_xy).all()
    np.testing.assert_allclose(
        one.joints_xy[:, legs] - one.joints_xy[:, [root]],
        other.joints_xy[:, legs] - other.joints_xy[:, [root]],
        atol=0.01 * drawing.size_wh[1],  # the actor's facing is taken from other joints
    )


def test_roles_by_a_retarget_file(shared: Path) -> None:
    folder = shared / "fixtures" / "puppet"
    bvh = read_bvh(folder / "motions" / "dab.bvh")
    roles = roles_of(read_retarget_config(folder / "retarget" / "fair1_ppf.yaml"), bvh)
    known = recognise(bvh.names, bvh.parents)
    limbs = [role for role in roles if role.startswith(("left", "right"))]
    assert len(limbs) == 12
    assert {role: roles[role] for role in limbs} == {role: known[role] for role in limbs}
    other = read_bvh(folder / "motions" / "jumping_jacks.bvh")
    with pytest.raises(InvalidInput, match="names the joint"):
        roles_of(read_retarget_config(folder / "retarget" / "fair1_ppf.yaml"), other)


@pytest.mark.parametrize("name", motion_names())
def test_our_own_motions(name: str) -> None:
    bvh = read_bvh(find_motion(name))
    config = motion_config(bvh, name)
    assert config.up == "+y"
    assert len(config.forward_perp_joint_vectors) == 2
    assert len(retarget_config(bvh, name).mapping) == 10
