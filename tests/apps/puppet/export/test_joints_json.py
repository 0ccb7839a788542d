"""Joints frame by frame."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from apps.puppet.export.joints_json import write_joint_frames
from apps.puppet.poses import Poses
from apps.puppet.skeleton import Skeleton
from cartoonedit.errors import InvalidInput

PAIR = Skeleton(("root", 'odd "name" \u00e9'), (-1, 0), np.array([[1.0, 2.0], [3.0, 4.0]]))


def poses(count: int, value: float = 0.0) -> Poses:
    joints = np.arange(count * 4, dtype=float).reshape(count, 2, 2) / 3 + value
    return Poses(joints, np.tile([0.0, -1.25], (count, 1)), 24.0, loops=True)


@pytest.mark.parametrize("count", [1, 256, 257, 700])
def test_every_frame_has_a_point_for_each_joint(tmp_path: Path, count: int) -> None:
    file = write_joint_frames(
        tmp_path / "joints.json",
        [("one", PAIR, poses(count)), ("two", PAIR, poses(count, 5.0))],
        size_wh=(640, 480),
        fps=24,
    )
    data = json.loads(file.read_text(encoding="utf-8"))
    assert {key: data[key] for key in ("version", "width", "height", "fps", "frames")} == {
        "version": 1,
        "width": 640,
        "height": 480,
        "fps": 24,
        "frames": count,
    }
    assert [puppet["name"] for puppet in data["puppets"]] == ["one", "two"]
    second = data["puppets"][1]
    assert second["joints"] == list(PAIR.names)
    assert second["parents"] == [None, "root"]
    assert second["rest"] == [[1, 2], [3, 4]]
    assert second["loops"] is True
    np.testing.assert_allclose(second["frames"], poses(count, 5.0).joints_xy, atol=0.0051)
    np.testing.assert_allclose(second["depth"], poses(count).depth, atol=0.0051)


def test_without_puppets_there_is_still_a_file(tmp_path: Path) -> None:
    file = write_joint_frames(tmp_path / "none.json", [], size_wh=(3, 2), fps=30)
    assert json.loads(file.read_text())["puppets"] == []


@pytest.mark.parametrize(
    ("puppets", "reason"),
    [
        ([("a", PAIR, poses(2)), ("b", PAIR, poses(3))], "as many frames; got 2, 3"),
        ([("a", PAIR, poses(2, np.nan))], "finite"),
        ([("a", Skeleton(("r",), (-1,), np.zeros((1, 2))), poses(2))], "1 joints"),
    ],
)
def test_what_does_not_belong_together_is_told(  # type: ignore[no-untyped-def]
    tmp_path: Path, puppets, reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason):
        write_joint_frames(tmp_path / "a.json", puppets, size_wh=(3, 2), fps=30)
    assert not list(tmp_path.iterdir())
