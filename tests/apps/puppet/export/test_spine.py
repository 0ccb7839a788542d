"""Spine skeletons, played as Spine's runtimes play them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from apps.puppet.export.spine import spine_skeleton, write_spine
from apps.puppet.export.spine_bones import simplified
from apps.puppet.export.spine_mesh import hull
from apps.puppet.parts import build_rig
from apps.puppet.poses import Poses
from apps.puppet.rig import Rig
from apps.puppet.skeleton import STANDARD, Skeleton
from cartoonedit.errors import InvalidInput
from cartoonedit.images import open_rgba
from tests.apps.puppet.figures import figure


@pytest.fixture(scope="module")
def rig() -> Rig:
    return build_rig("figure", *figure())


def still(skeleton: Skeleton, count: int = 1) -> Poses:
    joints = np.repeat(skeleton.points_xy[None], count, axis=0)
    return Poses(joints, np.zeros((count, len(skeleton))), 30.0)


def swinging(skeleton: Skeleton, count: int, *, squeezed: bool = False) -> Poses:
    """Each bone turns at a speed of its own, the root travels; bones may be seen shortened."""
    frames = np.arange(count)
    joints = np.zeros((count, len(skeleton), 2))
    for joint in skeleton.depth_first:
        parent = skeleton.parents[joint]
        if parent < 0:
            joints[:, joint] = skeleton.points_xy[joint] + np.stack([frames * 2, -frames], axis=-1)
            continue
        way = skeleton.points_xy[joint] - skeleton.points_xy[parent]
        angle = frames * 0.05 * (1 + joint % 5) * (-1) ** joint
        if squeezed:
            way = way * (1 + 0.4 * np.sin(frames * 0.3 + joint))[:, None]
        turned = np.stack(
            [
                np.cos(angle) * way[..., 0] - np.sin(angle) * way[..., 1],
                np.sin(angle) * way[..., 0] + np.cos(angle) * way[..., 1],
            ],
            axis=-1,
        )
        joints[:, joint] = joints[:, parent] + turned
    depth = np.sin(frames[:, None] * 0.4 + np.arange(len(skeleton)))
    return Poses(joints, depth, 30.0)


# ---------------------------------------------------------------- a runtime


def value_at(keys: list[dict[str, float]], name: str, time: float, rest: float) -> float:
    if not keys:
        return rest
    return float(np.interp(time, [k["time"] for k in keys], [k[name] for k in keys]))


def world(data: dict[str, Any], animation: str | None, time: float) -> dict[str, Any]:
    """For each bone its matrix and place in the world."""
    timelines = data["animations"][animation]["bones"] if animation else {}
    found: dict[str, Any] = {}
    for bone in data["bones"]:
        moves = timelines.get(bone["name"], {})
        turn = bone["rotation"] + value_at(moves.get("rotate", []), "value", time, 0)
        x, y = (bone[c] + value_at(moves.get("translate", []), c, time, 0) for c in "xy")
        scale = value_at(moves.get("scale", []), "x", time, 1)
        way = np.array([np.cos(np.radians(turn)), np.sin(np.radians(turn))])
        if "parent" in bone:
            assert bone["transform"] == "noScale"
            matrix, place = found[bone["parent"]]
            place = place + matrix @ (x, y)
            way = matrix @ way
            way = way / np.linalg.norm(way)
        else:
            place = np.array([x, y])
        found[bone["name"]] = (
            np.array([[way[0] * scale, -way[1]], [way[1] * scale, way[0]]]),
            place,
        )
    return found


def tips(
    data: dict[str, Any], animation: str | None = None, time: float = 0
) -> NDArray[np.float64]:
    bones = world(data, animation, time)
    ends = [bones[b["name"]][1] + bones[b["name"]][0] @ (b["length"], 0) for b in data["bones"]]
    return np.array(ends)


def expected(rig: Rig, joints: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same from the joints, in the order of the bones."""
    ground = rig.mesh.vertices_xy[:, 1].max()
    root = rig.skeleton.points_xy[rig.skeleton.root, 0]
    ordered = joints[list(rig.skeleton.depth_first)]
    return np.column_stack([ordered[:, 0] - root, ground - ordered[:, 1]])


# ---------------------------------------------------------------- bones


def test_in_rest_bones_end_where_the_joints_are(rig: Rig) -> None:
    data = spine_skeleton(rig, {})
    np.testing.assert_allclose(tips(data), expected(rig, rig.skeleton.points_xy), atol=0.02)
    seen = set()
    for bone in data["bones"]:  # Spine wants parents first
        assert bone.get("parent") in seen or not seen
        seen.add(bone["name"])


@pytest.mark.parametrize("squeezed", [False, True])
def test_in_every_frame_bones_end_where_the_joints_are(rig: Rig, squeezed: bool) -> None:
    poses = swinging(rig.skeleton, 60, squeezed=squeezed)
    data = spine_skeleton(rig, {"swing": poses})
    for frame in range(60):
        got = tips(data, "swing", round(frame / 30, 4))
        np.testing.assert_allclose(got, expected(rig, poses.joints_xy[frame]), atol=0.6)


def test_what_does_not_move_has_no_keys(rig: Rig) -> None:
    data = spine_skeleton(rig, {"still": still(rig.skeleton, 5)})
    assert data["animations"]["still"] == {"bones": {}}


def test_even_turning_has_few_keys(rig: Rig) -> None:
    poses = swinging(rig.skeleton, 60)
    data = spine_skeleton(rig, {"swing": poses})
    bones = data["animations"]["swing"]["bones"]
    assert all(len(keys) == 2 for name in bones for keys in bones[name].values())
    assert all("scale" not in keys for keys in bones.values())


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_any_skeleton_and_any_poses_give_finite_numbers(rig: Rig, seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = [name for name in STANDARD if name == "root" or rng.random() < 0.7]
    # Whole numbers, so that some bones are without length, in rest or in some frames.
    skeleton = Skeleton.build({name: rng.integers(0, 4, 2) for name in names})
    made = Rig("any", skeleton, rig.mesh, rig.bones % len(skeleton), rig.sheets[:1])
    joints = rng.integers(0, 4, (6, len(skeleton), 2)).astype(float)
    poses = Poses(joints, np.zeros((6, len(skeleton))), 12.0)
    data = spine_skeleton(made, {"any": poses})
    text = json.dumps(data, allow_nan=False)
    assert json.loads(text) == data
    # Wherever rest has a length, or something hangs from it, the place is right all the same.
    parents = {bone.get("parent") for bone in data["bones"]}
    for frame in range(6):
        places = {n: p for n, (_, p) in world(data, "any", round(frame / 12, 4)).items()}
        wanted = dict(zip(skeleton.depth_first, expected(made, joints[frame]), strict=True))
        for joint, parent in enumerate(skeleton.parents):
            if parent >= 0 and skeleton.names[parent] in parents:
                got = places[skeleton.names[joint]]
                np.testing.assert_allclose(got, wanted[parent], atol=0.5)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=40), st.floats(0, 5))
def test_straight_lines_between_kept_rows_give_the_others(
    values: list[float], tolerance: float
) -> None:
    rows = np.array(values)[:, None]
    kept = simplified(rows, tolerance)
    between = np.interp(np.arange(len(rows)), kept, rows[kept, 0])
    assert np.abs(between - rows[:, 0]).max() <= tolerance + 1e-9


# ---------------------------------------------------------------- sheets


def unpacked(mesh: dict[str, Any]) -> list[list[tuple[int, float, float, float]]]:
    """For each vertex bone, x, y and weight."""
    numbers, vertices = list(mesh["vertices"]), []
    while numbers:
        count = numbers.pop(0)
        assert isinstance(count, int)
        assert 1 <= count <= 4
        vertices.append([tuple(numbers[4 * i : 4 * i + 4]) for i in range(count)])
        del numbers[: 4 * count]
    return vertices


def test_meshes_lie_where_the_sheets_are(rig: Rig) -> None:
    data = spine_skeleton(rig, {})
    bones = list(world(data, None, 0).values())
    attachments = data["skins"][0]["attachments"]
    assert [slot["name"] for slot in data["slots"]] == [sheet.name for sheet in rig.sheets]
    ground = rig.mesh.vertices_xy[:, 1].max()
    root = rig.skeleton.points_xy[rig.skeleton.root, 0]
    for sheet in rig.sheets:
        mesh = attachments[sheet.name][sheet.name]
        vertices = unpacked(mesh)
        uvs = np.array(mesh["uvs"]).reshape(-1, 2)
        assert len(vertices) == len(uvs)
        triangles = np.array(mesh["triangles"]).reshape(-1, 3)
        assert len(triangles) == len(sheet.triangles)
        assert triangles.max() == len(uvs) - 1
        assert 3 <= mesh["hull"] <= len(uvs)
        at = uvs * (mesh["width"], mesh["height"]) + sheet.origin_xy
        for (x, y), parts in zip(at, vertices, strict=True):
            assert sum(part[3] for part in parts) == pytest.approx(1, abs=1e-3)
            for bone, local_x, local_y, _ in parts:
                matrix, place = bones[bone]
                got = place + matrix @ (local_x, local_y)
                np.testing.assert_allclose(got, (x - root, ground - y), atol=0.05)


def test_a_hand_follows_its_own_bone(rig: Rig) -> None:
    data = spine_skeleton(rig, {})
    names = [bone["name"] for bone in data["bones"]]
    mesh = data["skins"][0]["attachments"]["left_hand"]["left_hand"]
    lowest = int(np.argmax(np.array(mesh["uvs"])[1::2]))
    weights = {names[bone]: weight for bone, _, _, weight in unpacked(mesh)[lowest]}
    assert weights["left_hand"] > 0.9


def test_slots_are_drawn_in_the_order_of_depth(rig: Rig) -> None:
    poses = swinging(rig.skeleton, 40)
    keys = spine_skeleton(rig, {"swing": poses})["animations"]["swing"]["drawOrder"]
    names = [sheet.name for sheet in rig.sheets]
    assert 1 < len(keys) < 40
    for frame in range(40):
        depths = [
            poses.depth[frame, list(sheet.joints)].mean() if sheet.joints else 0.0
            for sheet in rig.sheets
        ]
        wanted = [names[i] for i in np.argsort(depths, kind="stable")]
        key = [key for key in keys if key["time"] <= round(frame / 30, 4)][-1]
        assert drawn(names, key.get("offsets", [])) == wanted


def drawn(names: list[str], offsets: list[dict[str, Any]]) -> list[str]:
    """As Spine reads it: slots that are not named keep their order in the places left."""
    result: list[str | None] = [None] * len(names)
    for offset in offsets:
        place = names.index(offset["slot"]) + offset["offset"]
        assert result[place] is None
        result[place] = offset["slot"]
    named = {offset["slot"] for offset in offsets}
    rest = iter(name for name in names if name not in named)
    return [place if place is not None else next(rest) for place in result]


def test_a_hull_goes_round_the_longest_outline() -> None:
    square = np.array([[0, 1, 2], [0, 2, 3], [9, 7, 8]], np.int32)
    found = hull(square).tolist()
    start = found.index(0)
    assert found[start:] + found[:start] == [0, 1, 2, 3]


def test_the_folder_has_a_picture_for_each_slot(rig: Rig, tmp_path: Path) -> None:
    file = write_spine(tmp_path / "spine", rig, {"still": still(rig.skeleton)})
    assert file.name == "figure.json"
    data = json.loads(file.read_text())
    assert data["skeleton"]["images"] == "./images/"
    for sheet in rig.sheets:
        picture = open_rgba(file.parent / "images" / f"{sheet.name}.png")
        again = np.rint(picture[..., :3] * (picture[..., 3:] / 255))
        assert np.abs(again - sheet.texture[..., :3]).max() <= 1
        np.testing.assert_array_equal(picture[..., 3], sheet.texture[..., 3])


def test_poses_of_another_skeleton_are_refused(rig: Rig) -> None:
    poses = Poses(np.zeros((2, 3, 2)), np.zeros((2, 3)), 24.0)
    with pytest.raises(InvalidInput, match="16 joints"):
        spine_skeleton(rig, {"odd": poses})
