"""What Animated Drawings itself computed, step by step."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.puppet.classic.canonical import CanonicalMotion, canonical_motion
from apps.puppet.classic.config import RetargetConfig, read_motion_config, read_retarget_config
from apps.puppet.classic.projection import (
    bone_orientations,
    group_planes,
    joint_depths,
    joint_planes,
    travel_scale,
)
from apps.puppet.classic.retarget import ClassicPoses, retarget
from apps.puppet.classic.rigpose import pose_rig, rest_rig
from apps.puppet.motion.bvh import read_bvh
from apps.puppet.skeleton import Skeleton

CASES = [
    "char1_dab",
    "char1_jumping_jacks",
    "char1_zombie",
    "char1_zombie_spf",
    "char5_six_arms_dab",
]


@dataclass
class Case:
    of: dict[str, NDArray[Any]]
    meta: dict[str, Any]
    skeleton: Skeleton
    size_wh: tuple[int, int]
    config: RetargetConfig
    motion: CanonicalMotion
    poses: ClassicPoses


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest, shared: Path) -> Case:
    folder = shared / "fixtures" / "puppet"
    if not (folder / f"{request.param}.npz").is_file():
        pytest.skip(f"there is no {request.param}.npz")
    with np.load(folder / f"{request.param}.npz") as stored:
        of = {key: stored[key] for key in stored.files}
    meta = json.loads(str(of.pop("meta")))
    motion_config = read_motion_config(folder / "motion" / f"{meta['motion']}.yaml")
    config = read_retarget_config(folder / "retarget" / f"{meta['retarget']}.yaml")
    bvh = read_bvh(motion_config.filepath)
    names, parents = of["cfg_joint_names"].tolist(), of["cfg_joint_parents"].tolist()
    skeleton = Skeleton(
        tuple(names),
        tuple(names.index(parent) if parent in names else -1 for parent in parents),
        of["cfg_joint_px"],
    )
    size_wh = (meta["width"], meta["height"])
    return Case(
        of,
        meta,
        skeleton,
        size_wh,
        config,
        canonical_motion(bvh, motion_config),
        retarget(bvh, motion_config, config, skeleton, size_wh),
    )


def off(got: NDArray[Any], expected: NDArray[Any]) -> float:
    assert got.shape == expected.shape
    return float(np.abs(got - expected).max())


def turned_off(got: NDArray[Any], expected: NDArray[Any]) -> float:
    """The largest difference of two angles."""
    assert got.shape == expected.shape
    return float(np.abs((got - expected + 180) % 360 - 180).max())


def test_the_motion_is_canonical(case: Case) -> None:
    of, motion = case.of, case.motion
    assert len(motion) == case.meta["frames"]
    assert list(motion.names) == of["bvh_joint_names"].tolist()
    size = float(np.abs(of["bvh_norm_positions"]).max())
    assert off(motion.positions[of["sel"]], of["bvh_norm_positions"]) < 5e-6 * size
    assert off(motion.facing, of["fwd_vectors"]) < 1e-5
    assert off(motion.root_path, of["bvh_root_positions"]) < 1e-5


def test_what_is_seen_on_paper(case: Case) -> None:
    of, motion = case.of, case.motion
    planes = group_planes(motion, case.config.projection_groups)
    assert planes == case.meta["planes"] == dict(case.poses.planes)
    seen_from = joint_planes(case.config.projection_groups, planes)
    bones = [case.config.mapping[joint] for joint in of["mapped_joints"].tolist()]
    assert turned_off(bone_orientations(motion, bones, seen_from), of["orientations_deg"]) < 0.01
    depths = joint_depths(motion, of["depth_joints"].tolist(), seen_from)
    assert off(depths, of["depths"]) < 5e-6


def test_the_rig_at_rest(case: Case) -> None:
    of, rig = case.of, rest_rig(case.skeleton, case.size_wh)
    assert list(rig.names) == of["chain_names"].tolist() == list(case.poses.names)
    assert off(rig.xy, of["rest_xy"]) < 1e-7
    assert turned_off(rig.theta, of["rest_theta_deg"]) < 1e-4
    assert case.meta["scale_factor"] == pytest.approx(
        travel_scale(case.motion, case.config.root_offset, rig.points), rel=1e-6
    )


def test_the_rig_is_posed(case: Case) -> None:
    of, poses = case.of, case.poses
    assert list(poses.mapped) == case.meta["mapping_after_checks"]
    assert poses.frame_time == case.meta["frame_time"]
    start = case.meta["char_start_loc"]
    assert off(poses.root[:, :2] - start[:2], of["char_root_positions"]) < 1e-5
    assert off(poses.root[of["sel"]], of["root_pos"]) < 1e-5
    assert off(poses.joint_xy[of["sel"]], of["joint_xy"]) < 1e-5
    assert off(poses.pins[of["sel"]], of["pins"]) < 1e-5


def test_the_rotations_of_the_rig(case: Case) -> None:
    of = case.of
    angles = dict(zip(of["mapped_joints"].tolist(), of["orientations_deg"].T, strict=True))
    rig = rest_rig(case.skeleton, case.size_wh)
    posed = pose_rig(rig, angles, case.poses.root[:, :2])
    assert turned_off(posed.local_rotations[of["sel"]], of["joint_local_rot_deg"]) < 0.01
    assert turned_off(posed.world_rotations[of["sel"]], of["joint_world_rot_deg"]) < 0.01


def test_what_is_drawn_over_what(case: Case) -> None:
    of, poses = case.of, case.poses
    assert np.array_equal(poses.group_order[of["sel"]], of["group_order"])
    assert off(poses.group_depth[of["sel"]], of["group_depth"]) < 5e-6
    for frame, expected in zip(of["sel"], of["joint_draw_order"], strict=True):
        assert list(poses.joint_draw_order(frame)) == expected.tolist()
