from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from apps.puppet.classic.automatic import motion_config
from apps.puppet.motion.bvh import read_bvh, write_bvh
from apps.puppet.motion.library import motion_file
from apps.puppet.options import PuppetOptions
from apps.puppet.performance import Part, find_performance
from cartoonedit.errors import InvalidInput
from tests.apps.puppet.scenes import skeleton_at


def part(seconds: float = 0.2) -> Part:
    return Part(skeleton_at(55, 60), (20.0, 10.0, 90.0, 115.0), seconds)


@pytest.mark.parametrize("frame_time", [1e-6, 1e-3, 60.0])
def test_frames_of_any_rate_can_be_played(tmp_path: Path, frame_time: float) -> None:
    recorded = read_bvh(motion_file("nod"))
    values = np.tile(recorded.values, (20, 1))
    write_bvh(replace(recorded, values=values, frame_time=frame_time), tmp_path / "a.bvh")
    performance = find_performance(str(tmp_path / "a.bvh"), PuppetOptions(fps=10))
    assert performance.seconds == pytest.approx(len(values) * frame_time, rel=0.2, abs=1e-3)
    poses = performance.play(part())
    assert len(poses) == 2
    assert np.isfinite(poses.joints_xy).all()


def test_an_hour_of_key_frames(tmp_path: Path) -> None:
    (tmp_path / "keys.yaml").write_text(
        "keyframes: [{time: 0}, {time: 3600, joints: {neck: {turn: 30}}}]"
    )
    options = PuppetOptions(fps=1, speed=20)
    performance = find_performance(str(tmp_path / "keys.yaml"), options)
    assert performance.seconds == 180
    poses = performance.play(part(180))
    assert len(poses) == 180
    turned = poses.joints_xy[:, part().skeleton.index["neck"]]
    assert np.abs(turned[-1] - turned[0]).max() > 1


@pytest.mark.parametrize("backwards", [False, True])
def test_the_classic_way_takes_the_actor_as_its_file_says(tmp_path: Path, backwards: bool) -> None:
    recorded = read_bvh(motion_file("walk"))
    write_bvh(recorded, tmp_path / "walk.bvh")
    known = motion_config(recorded, "walk")
    pairs = [pair[::-1] if backwards else pair for pair in known.forward_perp_joint_vectors]
    (tmp_path / "actor.yaml").write_text(
        f"filepath: walk.bvh\nup: '{known.up}'\nscale: 1\nstart_frame_idx: 2\n"
        f"groundplane_joint: {known.groundplane_joint}\n"
        f"forward_perp_joint_vectors: {json.dumps(pairs)}\n"
    )
    options = PuppetOptions(retarget="classic", fps=1 / recorded.frame_time)
    by_file = find_performance(str(tmp_path / "actor.yaml"), options)
    by_name = find_performance("walk", options)
    assert by_file.seconds == pytest.approx(by_name.seconds - 2 * recorded.frame_time)
    limbs = [part().skeleton.index[f"{side}_foot"] for side in ("left", "right")]
    said, named = by_file.play(part()).joints_xy, by_name.play(part(0.4)).joints_xy[2:]
    count = min(len(said), len(named))
    apart = np.abs(said[:count, limbs] - named[:count, limbs]).max()
    assert (apart > 5) == backwards


def test_key_frames_are_no_longer_than_a_person_writes(tmp_path: Path) -> None:
    keys = [{"time": 0}, {"time": 1}]
    for spaces, refused in ((0, False), (200_000, True)):
        (tmp_path / "keys.json").write_text(json.dumps({"keyframes": keys}) + " " * spaces)
        with pytest.raises(InvalidInput, match="200 kB") if refused else nullcontext():
            find_performance(str(tmp_path / "keys.json"), PuppetOptions())


def test_key_frames_have_no_tags_of_python(tmp_path: Path) -> None:
    (tmp_path / "keys.yaml").write_text("- time: 0\n- time: 1\n  joints: !!python/tuple [a]\n")
    with pytest.raises(InvalidInput, match="not valid YAML"):
        find_performance(str(tmp_path / "keys.yaml"), PuppetOptions())
