from __future__ import annotations

import base64
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from apps.kenburns import KenBurns
from apps.kenburns.camera import Pose
from apps.kenburns.canvas import make_canvas, measure
from apps.kenburns.export import export_layers, mesh, save_gltf, take_apart
from apps.kenburns.layers import build
from apps.kenburns.render import Renderer
from apps.kenburns.stage import Stage
from cartoonedit.scene import Instance, Scene

SMALL = (64, 36)

POSES = [
    Pose(),
    Pose(x=0.1, y=-0.05, z=0.2),
    Pose(x=-0.07, y=0.03, z=-0.3, zoom=1.4),
    Pose(z=0.1, zoom=0.8),
]


def constant(pose: Pose):
    return lambda t: pose


def block_of_depth() -> np.ndarray:
    """A far slope with a near block on it."""
    depth = np.linspace(0.99, 0.6, SMALL[1], dtype=np.float32)[:, None].repeat(SMALL[0], axis=1)
    depth[11:25, 21:43] = 0.2
    return depth


class TestFile:
    @pytest.fixture
    def glb(self, scene: Scene, tmp_path: Path, read_glb):
        camera = KenBurns(move="orbit").prepare(scene).pose
        return read_glb(export_layers(scene, tmp_path / "a.glb", camera=camera, duration=0.2))

    def test_views_are_aligned_and_inside_the_buffer(self, glb) -> None:
        (buffer,) = glb.document["buffers"]
        assert len(glb.buffer) == -(-buffer["byteLength"] // 4) * 4
        for view in glb.document["bufferViews"]:
            assert view["byteOffset"] % 4 == 0 and view["byteLength"] > 0
            assert view["byteOffset"] + view["byteLength"] <= buffer["byteLength"]

    def test_accessors_state_their_bounds(self, glb) -> None:
        for index, accessor in enumerate(glb.document["accessors"]):
            values = glb.accessor(index)
            assert np.isfinite(values).all()
            assert accessor["min"] == values.min(axis=0).tolist()
            assert accessor["max"] == values.max(axis=0).tolist()

    def test_triangles_use_all_vertices_and_face_the_camera(self, glb) -> None:
        for node in [node for node in glb.document["nodes"] if "mesh" in node]:
            (primitive,) = glb.document["meshes"][node["mesh"]]["primitives"]
            points, uv = glb.points(node), glb.accessor(primitive["attributes"]["TEXCOORD_0"])
            triangles = glb.accessor(primitive["indices"]).reshape(-1, 3)
            assert len(points) == len(uv) and set(np.unique(triangles)) == set(range(len(uv)))
            assert uv.min() >= 0 and uv.max() <= 1
            a, b, c = points[triangles.T]
            assert ((np.cross(b - a, c - a) * -a).sum(axis=1) > 0).all()

    def test_every_picture_decodes_and_is_shown_as_it_is(self, glb, scene: Scene) -> None:
        materials = glb.document["materials"]
        for index, material in enumerate(materials):
            image = glb.image(index)
            assert image.ndim == 3 and image.size
            assert material["extensions"] == {"KHR_materials_unlit": {}}
            assert material["doubleSided"]
        assert [material["name"] for material in materials[-len(scene) :]] == [
            card.name for card in take_apart(scene).cards
        ] or not len(scene)
        assert all(material["alphaMode"] == "BLEND" for material in materials[1:])
        assert "KHR_materials_unlit" in glb.document["extensionsUsed"]

    def test_text_and_binary_hold_the_same(self, make_scene, tmp_path: Path, read_glb) -> None:
        scene = make_scene("overlap")
        glb = read_glb(export_layers(scene, tmp_path / "a.glb"))
        document = json.loads(export_layers(scene, tmp_path / "a.gltf").read_text("utf-8"))
        (buffer,) = document["buffers"]
        head, _, text = buffer.pop("uri").partition(",")
        assert head == "data:application/octet-stream;base64"
        assert base64.b64decode(text) == glb.buffer[: buffer["byteLength"]]
        assert document == glb.document


class TestSpace:
    @pytest.mark.parametrize("pose", POSES)
    def test_the_plate_projects_as_the_camera_says(
        self, make_scene, tmp_path: Path, read_glb, pose: Pose
    ) -> None:
        rows = np.linspace(0.95, 0.1, 72, dtype=np.float32)[:, None].repeat(128, axis=1)
        scene = make_scene("none", depth=rows)
        glb = read_glb(export_layers(scene, tmp_path / "a.glb", camera=constant(pose)))
        (node,) = [node for node in glb.document["nodes"] if "mesh" in node]
        (primitive,) = glb.document["meshes"][node["mesh"]]["primitives"]
        uv = glb.accessor(primitive["attributes"]["TEXCOORD_0"]).astype(float)
        q = take_apart(scene).plate_q.astype(float)
        edges = np.concatenate([q[:1], (q[1:] + q[:-1]) / 2, q[-1:]])[:, 0]
        q = edges[np.rint(uv[:, 1] * 72).astype(int)]
        u, v = uv[:, 0] - 0.5, (uv[:, 1] - 0.5) * 72 / 128
        expected = np.stack(pose.project(u, v, q), axis=1)
        camera = glb.node("camera")
        yfov = glb.document["cameras"][0]["perspective"]["yfov"]
        found = glb.project(glb.points(node), camera["translation"], yfov)
        np.testing.assert_allclose(found, expected, atol=1e-4)

    @pytest.mark.parametrize("pose", POSES)
    @pytest.mark.parametrize("name", ["standing", "overlap", "everything", "cut left and right"])
    def test_the_cards_project_as_the_camera_says(
        self, make_scene, tmp_path: Path, read_glb, name: str, pose: Pose
    ) -> None:
        scene = make_scene(name)
        camera = constant(pose)
        glb = read_glb(export_layers(scene, tmp_path / "a.glb", camera=camera))
        yfov = glb.document["cameras"][0]["perspective"]["yfov"]
        at = glb.node("camera")["translation"]
        for card in take_apart(scene, camera=camera).cards:
            height, width = card.pixels.shape[:2]
            # One transparent pixel around, except at the picture's borders.
            left, top = max(0, card.left - 1), max(0, card.top - 1)
            right, bottom = min(128, card.left + width + 1), min(72, card.top + height + 1)
            expected = [
                pose.project(x / 128 - 0.5, (y - 36) / 128, card.q)
                for y in (top, bottom)
                for x in (left, right)
            ]
            found = glb.project(glb.points(glb.node(card.name)), at, yfov)
            np.testing.assert_allclose(found, expected, atol=2e-4)

    def test_the_frame_is_exactly_the_picture(self, make_scene, tmp_path: Path, read_glb) -> None:
        glb = read_glb(export_layers(make_scene("none"), tmp_path / "a.glb"))
        camera = glb.document["cameras"][0]["perspective"]
        assert camera["aspectRatio"] == pytest.approx(128 / 72)
        assert camera["yfov"] == pytest.approx(2 * math.atan(72 / 256))
        (node,) = [node for node in glb.document["nodes"] if "mesh" in node]
        seen = glb.project(glb.points(node), (0, 0, 0), camera["yfov"])
        np.testing.assert_allclose(seen.min(axis=0), (-0.5, -72 / 256), atol=1e-6)
        np.testing.assert_allclose(seen.max(axis=0), (0.5, 72 / 256), atol=1e-6)


@pytest.mark.slow
class TestLooks:
    """What a 3D program shows, by a small renderer of the tests."""

    @pytest.mark.parametrize("pool", ["mean", "none"])
    @pytest.mark.parametrize("name", ["none", "overlap", "cut below", "everything"])
    def test_the_camera_sees_the_picture(
        self, make_scene, tmp_path: Path, read_glb, name: str, pool: str
    ) -> None:
        scene = make_scene(name, *SMALL)
        frame = read_glb(export_layers(scene, tmp_path / "a.glb", pool=pool)).render(SMALL)
        difference = np.abs(frame - scene.picture).max(axis=2)
        assert np.median(difference) < 1
        assert difference.mean() < 1.5

    @pytest.mark.parametrize("name", ["none", "overlap"])
    @pytest.mark.parametrize("depth", [None, "block"])
    def test_a_moved_camera_sees_what_the_clip_shows(
        self, make_scene, tmp_path: Path, read_glb, name: str, depth: str | None
    ) -> None:
        scene = make_scene(name, *SMALL, depth=block_of_depth() if depth else None)
        pose = Pose(x=0.06, y=0.01, z=0.08)
        path = export_layers(scene, tmp_path / "a.glb", camera=constant(pose))
        found = read_glb(path).render(SMALL, at=(pose.x, -pose.y, -pose.z))
        canvas = make_canvas(scene, SMALL)
        stage: Stage = measure(canvas, SMALL)
        made = build(canvas, SMALL, stage.reach([pose]) * SMALL[0])
        expected = Renderer(made, stage, SMALL)(pose).astype(float)
        inside = np.s_[5:-5, 8:-8]  # the mesh ends where the picture does
        difference = np.abs(found - expected).max(axis=2)[inside]
        assert np.median(difference) < 4  # of one interpolation from the other
        assert (difference > 40).mean() < 0.03

    @pytest.mark.parametrize("cells", [13, 256])  # of 5 pixels, which the edges cross, and of 1
    def test_a_torn_plate_has_no_rubber_sheet(
        self, make_scene, tmp_path: Path, read_glb, monkeypatch: pytest.MonkeyPatch, cells: int
    ) -> None:
        monkeypatch.setattr(mesh, "CELLS", cells)
        scene = make_scene("none", *SMALL, depth=block_of_depth())
        glb = read_glb(export_layers(scene, tmp_path / "a.glb"))
        assert [node["name"] for node in glb.document["nodes"]] == [
            "plate behind",
            "plate",
            "camera",
        ]
        front = glb.node("plate")
        (primitive,) = glb.document["meshes"][front["mesh"]]["primitives"]
        q = -1 / glb.points(front)[:, 2]
        spread = np.ptp(q[glb.accessor(primitive["indices"]).reshape(-1, 3)], axis=1)
        assert spread.max() < 0.06 and np.ptp(q) > 0.5  # no more than the slope in a cell
        # A texture is interpolated in space, on a slope not quite the same as in the frame.
        assert np.abs(glb.render(SMALL) - scene.picture).max() < 10

    def test_at_a_tear_the_near_side_carries_nothing_of_the_far_one(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mesh, "CELLS", 13)
        near = block_of_depth() < 0.3
        texture = np.where(near[..., None], np.uint8(200), np.uint8(0)).repeat(3, axis=2)
        rgba = mesh.tear(texture, np.where(near, 0.9, 0.3).astype(np.float32))
        hidden = rgba[..., 3] == 0
        assert hidden[10:26, 18:21].any() and not (hidden & near).any()
        assert (rgba[hidden] == (200, 200, 200, 0)).all()  # no dark fringe when it is reduced
        rows, columns = np.nonzero(hidden)
        assert rows.min() >= 11 - 5 and columns.max() < 43 + 5  # nothing beyond the cells there

    def test_what_is_painted_out_behind_does_not_show_in_the_picture(
        self, make_scene, tmp_path: Path, read_glb, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mesh, "CELLS", 13)
        parts = take_apart(make_scene("none", *SMALL, depth=block_of_depth()))
        behind, front = parts.surfaces
        red = np.full_like(behind.texture, (255, 0, 0))
        parts = replace(parts, surfaces=(replace(behind, texture=red), front))
        frame = read_glb(save_gltf(parts, tmp_path / "a.glb")).render(SMALL)
        assert np.abs(frame - parts.picture).max() < 40  # of 255

    def test_a_steep_slope_is_not_torn(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mesh, "CELLS", 8)  # in each of which it falls by more than an edge
        slope = np.linspace(0.3, 0.8, 64, dtype=np.float32)[None].repeat(36, axis=0)
        texture = np.zeros((36, 64, 3), np.uint8)
        assert (mesh.tear(texture, slope)[..., 3] == 255).all()

    def test_a_character_shows_before_a_nearer_floor(self, tmp_path: Path, read_glb) -> None:
        mask = np.zeros((36, 64), np.uint8)
        mask[8:30, 20:40] = 255
        plate = np.full((36, 64, 3), (200, 0, 0), np.uint8)
        picture = plate.copy()
        picture[mask > 0] = (0, 200, 0)
        near = np.full((36, 64), 0.1, np.float32)
        scene = Scene(picture, [Instance(mask, depth=0.8)], plate=plate, depth=near)
        frame = read_glb(export_layers(scene, tmp_path / "a.glb")).render((64, 36))
        np.testing.assert_allclose(frame[9:29, 21:39], picture[9:29, 21:39], atol=1)

    def test_of_two_at_one_depth_the_lower_one_is_in_front(self, tmp_path: Path, read_glb) -> None:
        masks = np.zeros((2, 36, 64), np.uint8)
        masks[0, 4:20, 10:40] = masks[1, 15:32, 30:60] = 255
        picture = np.zeros((36, 64, 3), np.uint8)
        instances = [
            Instance(mask, depth=0.5, name=name)
            for mask, name in zip(masks, ("upper", "lower"), strict=True)
        ]
        scene = Scene(picture, instances, plate=picture)
        glb = read_glb(export_layers(scene, tmp_path / "a.glb"))
        distances = [-glb.node(name)["translation"][2] for name in ("upper", "lower")]
        assert distances[1] < distances[0] == pytest.approx(distances[1], rel=1e-3)


class TestMove:
    times = np.linspace(0, 1, 6)

    def read(self, scene: Scene, camera, tmp_path: Path, read_glb):
        path = export_layers(scene, tmp_path / "a.glb", camera=camera, fps=12, duration=0.5)
        return read_glb(path)

    def test_path_and_zoom_are_kept(self, make_scene, tmp_path: Path, read_glb) -> None:
        def camera(t: float) -> Pose:
            return Pose(x=0.1 * t, y=0.02 * t, z=0.3 * t, zoom=1 + t)

        glb = self.read(make_scene("standing"), camera, tmp_path, read_glb)
        tracks = glb.tracks()
        assert set(tracks) == {"translation", "/cameras/0/perspective/yfov"}
        expected = [(0.1 * t, -0.02 * t, -0.3 * t) for t in self.times]
        np.testing.assert_allclose(tracks["translation"], expected, atol=1e-6)
        views = [2 * math.atan(72 / 256 / (1 + t)) for t in self.times]
        np.testing.assert_allclose(tracks["/cameras/0/perspective/yfov"][:, 0], views, atol=1e-6)
        (animation,) = glb.document["animations"]
        keys = glb.accessor(animation["samplers"][0]["input"])[:, 0]
        np.testing.assert_allclose(keys, np.arange(6) / 12, atol=1e-6)
        assert "KHR_animation_pointer" in glb.document["extensionsUsed"]
        assert "extensionsRequired" not in glb.document

    def test_lens_shift_becomes_a_turn(self, make_scene, tmp_path: Path, read_glb) -> None:
        def camera(t: float) -> Pose:
            return Pose(zoom=1.5, shift_x=0.1 * t, shift_y=-0.2 * t)

        glb = self.read(make_scene("standing"), camera, tmp_path, read_glb)
        tracks = glb.tracks()
        assert set(tracks) == {"translation", "rotation"}
        for t, (x, y, z, w) in zip(self.times, tracks["rotation"].astype(float), strict=True):
            assert math.hypot(x, y, z, w) == pytest.approx(1)
            # Where a camera that looks along -Z looks once it is turned.
            ahead = -np.array([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)])
            u, v = ahead[0] / -ahead[2], -ahead[1] / -ahead[2]
            middle = camera(t).project(u, v, 1.0)
            assert middle == pytest.approx((0, 0), abs=1e-6)
            right = np.array([1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)])
            assert right[1] == pytest.approx(0, abs=1e-6)  # no roll

    def test_a_camera_that_rests(self, make_scene, tmp_path: Path, read_glb) -> None:
        glb = self.read(make_scene("none"), constant(Pose()), tmp_path, read_glb)
        assert set(glb.tracks()) == {"translation"}
        assert glb.document["extensionsUsed"] == ["KHR_materials_unlit"]

    def test_no_camera_no_animation(self, make_scene, tmp_path: Path, read_glb) -> None:
        glb = read_glb(export_layers(make_scene("none"), tmp_path / "a.glb"))
        assert "animations" not in glb.document
        assert glb.node("camera")["translation"] == [0, 0, 0]
