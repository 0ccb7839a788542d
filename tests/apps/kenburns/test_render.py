from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from apps.kenburns import KenBurns
from apps.kenburns.camera import Pose
from apps.kenburns.canvas import make_canvas, measure
from apps.kenburns.layers import CutOut, Layers, Surface, build
from apps.kenburns.render import Renderer, similarity
from apps.kenburns.stage import Stage
from apps.kenburns.surface import Lookup
from cartoonedit.scene import Instance, Scene

MOVES = ("autozoom", "zoom-out", "pan-left", "rise", "dolly", "dolly-zoom", "orbit", "circle")
TIMES = (0.0, 0.013, 0.3, 0.5, 0.77, 1.0)

poses = st.builds(
    Pose,
    x=st.floats(-0.1, 0.1),
    y=st.floats(-0.1, 0.1),
    z=st.floats(-0.3, 0.3),
    zoom=st.floats(0.8, 1.3),
    shift_x=st.floats(-0.05, 0.05),
    shift_y=st.floats(-0.05, 0.05),
)


@given(poses, st.floats(0.25, 1), st.integers(0, 127), st.integers(0, 71))
def test_similarity_is_the_projection(pose: Pose, q: float, i: int, j: int) -> None:
    canvas_wh, frame_wh = (128, 72), (100, 60)
    u, v = pose.project((i + 0.5) / 128 - 0.5, (j + 0.5 - 36) / 128, q)
    scale, x, y = similarity(pose, q, canvas_wh, frame_wh)
    assert scale * i + x == pytest.approx(u * 128 + 50 - 0.5, abs=1e-9)
    assert scale * j + y == pytest.approx(v * 128 + 30 - 0.5, abs=1e-9)


def blob_on_black(q: float) -> tuple[Renderer, tuple[float, float]]:
    """A soft white dot of disparity ``q``, and where it lies in the canvas."""
    size, at = 31, (150, 60)
    rows, columns = np.mgrid[:size, :size] - size // 2
    alpha = np.rint(255 * np.exp(-(rows**2 + columns**2) / 32)).astype(np.uint8)
    dot = CutOut("dot", np.dstack([alpha] * 4), at, q)
    black = np.zeros((150, 300, 3), np.uint8)
    ground = Surface(black, np.full((150, 300), 0.25, np.float32))
    stage = Stage((0.5, 0.25), (0.5, 0.25), ((0.25, 0.25),) * 4)
    frame = np.zeros((150, 300, 3), np.uint8)  # the picture, which the identity must show
    frame[at[1] : at[1] + size, at[0] : at[0] + size] = alpha[..., None]
    renderer = Renderer(Layers([ground, dot], (300, 150), frame), stage, (300, 150))
    return renderer, (at[0] + size // 2, at[1] + size // 2)


@given(poses, st.floats(0.25, 1))
@settings(max_examples=30, deadline=None)
def test_an_instance_is_drawn_where_the_projection_says(pose: Pose, q: float) -> None:
    renderer, (i, j) = blob_on_black(q)
    frame = renderer(pose)[..., 0].astype(float)
    scale, x, y = similarity(pose, q, (300, 150), (300, 150))
    expected = np.array([scale * i + x, scale * j + y])
    if ((expected < 25) | (expected > (275, 125))).any():
        return  # partly outside
    rows, columns = np.mgrid[:150, :300]
    found = np.array([(frame * columns).sum(), (frame * rows).sum()]) / frame.sum()
    np.testing.assert_allclose(found, expected, atol=0.05)


def _frame_with_the_first_aside(
    picture: NDArray[np.uint8],
    masks: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    plate: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """Two characters, the first in front, seen from a camera that went to the side."""
    front, rear = masks
    scene = Scene(picture, [Instance(front, depth=0.1), Instance(rear, depth=0.5)], plate=plate)
    made = make_canvas(scene, (128, 72))
    layers = build(made, (128, 72), 30.0)
    return Renderer(layers, measure(made, (128, 72)), (128, 72))(Pose(x=0.2))


class TestLookup:
    rows = np.linspace(0.25, 0.6, 72, dtype=np.float32)[:, None].repeat(128, axis=1)

    @given(poses)
    @settings(max_examples=30, deadline=None)
    def test_a_floor_is_found_to_hundredths_of_a_pixel(self, pose: Pose) -> None:
        x, y, torn = Lookup(self.rows, (128, 72), [pose], torn=False)(pose, 1)
        assert torn is None
        # The disparity is constant beyond the border; a cell of the grid must not straddle that.
        inside = (x > 6) & (x < 121) & (y > 6) & (y < 65)
        q = 0.25 + 0.35 * y / 71
        u = (x + 0.5) / 128 - 0.5
        v = (y + 0.5 - 36) / 128
        shown_x = pose.zoom * (u - pose.x * q) / (1 - pose.z * q) + pose.shift_x
        shown_y = pose.zoom * (v - pose.y * q) / (1 - pose.z * q) + pose.shift_y
        columns, rows = np.meshgrid(np.arange(128), np.arange(72))
        error_x = np.abs(shown_x * 128 + 63.5 - columns)[inside]
        error_y = np.abs(shown_y * 128 + 35.5 - rows)[inside]
        assert max(error_x.max(initial=0), error_y.max(initial=0)) < 0.05

    def test_the_nearer_of_two_wins_and_the_gap_is_torn(self) -> None:
        q = np.full((64, 96), 0.25, np.float32)
        q[:, 30:60] = 0.9
        pose = Pose(x=-0.1)  # 0.1 * 96 = 9.6 pixels of disparity 1
        x, _, torn = Lookup(q, (96, 64), [pose], torn=True)(pose, 1)
        assert torn is not None
        row = 32
        near = slice(30 + 9, 60 + 8)  # moved by 8.64
        np.testing.assert_allclose(x[row, near], np.arange(near.start, near.stop) - 8.64, atol=0.01)
        assert (torn[row, near] == 0).all()
        assert (torn[row, 33:38] == 1).all()  # between 30 + 2.4 and 30 + 8.64 nothing is known
        assert (torn[row, 5:30] == 0).all()
        np.testing.assert_allclose(x[row, 75:90], np.arange(75, 90) - 2.4, atol=0.01)


class TestFrames:
    def test_identity_is_the_picture_to_the_bit(self, scene: Scene) -> None:
        render = KenBurns().prepare(scene).render
        np.testing.assert_array_equal(render(Pose()), scene.picture)

    @pytest.mark.parametrize("move", ["autozoom", "zoom-in", "dolly", "dolly-zoom"])
    def test_the_first_frame_is_the_picture(self, scene: Scene, move: str) -> None:
        first = next(KenBurns(move=move, duration=0.1).frames(scene))
        np.testing.assert_array_equal(first, scene.picture)

    @pytest.mark.parametrize("move", MOVES)
    @pytest.mark.parametrize("size", [None, (64, 64), (160, 60)])
    def test_every_pixel_comes_from_inside_the_picture(
        self, scene: Scene, move: str, size: tuple[int, int] | None
    ) -> None:
        clip = KenBurns(move=move, strength=2.0, size_wh=size)
        shot = clip.prepare(scene)
        camera, render = shot.pose, shot.render
        base = render._layers.stack[0]
        height, width = base.q.shape
        for t in TIMES:
            x, y, _ = render._lookups[0](camera(t), 1)
            assert x.min() >= -0.5 - 0.02
            assert y.min() >= -0.5 - 0.02
            assert x.max() <= width - 0.5 + 0.02
            assert y.max() <= height - 0.5 + 0.02

    @pytest.mark.parametrize("move", MOVES)
    def test_a_character_cut_by_the_border_stays_cut(self, move: str) -> None:
        # Green on red, from border to border at the bottom and on the left: wherever its cut came
        # into the frame, red would show at the frame's border.
        picture = np.full((72, 128, 3), (200, 0, 0), np.uint8)
        mask = np.zeros((72, 128), np.uint8)
        mask[40:] = mask[:, :30] = 255
        plate = picture.copy()
        picture[mask > 0] = (0, 200, 0)
        scene = Scene(picture, [Instance(mask, depth=0.05)], plate=plate)
        shot = KenBurns(move=move, strength=2.0).prepare(scene)
        camera, render = shot.pose, shot.render
        for t in np.linspace(0, 1, 15):
            frame = render(camera(float(t)))
            for border in (frame[-1], frame[:, 0]):
                np.testing.assert_allclose(border, np.full_like(border, (0, 200, 0)), atol=2)

    def test_what_is_behind_a_narrow_border_goes_on_to_the_border_of_the_frame(self) -> None:
        depth = np.full((72, 128), 0.05, np.float32)
        depth[2:-2, 2:-2] = 0.95
        scene = Scene(np.zeros((72, 128, 3), np.uint8), depth=depth)
        for move in MOVES:
            shot = KenBurns(move=move).prepare(scene)
            camera, render = shot.pose, shot.render
            for t in TIMES:
                x, y, _ = render._lookups[0](camera(t), 1)
                assert x.min() > -0.52, (move, t)
                assert y.min() > -0.52, (move, t)
                assert x.max() < 127.52, (move, t)
                assert y.max() < 71.52, (move, t)

    def test_nothing_jumps_from_the_first_frame_to_the_second(self, scene: Scene) -> None:
        shot = KenBurns(easing="linear").prepare(scene)
        camera, render = shot.pose, shot.render
        frames = [render(camera(t)).astype(float) for t in np.linspace(0, 0.2, 21)]
        steps = [np.abs(b - a).mean() for a, b in pairwise(frames)]
        assert steps[0] <= 2 * np.median(steps) + 0.2

    def test_no_gap_opens_between_two_who_touch(self, make_scene) -> None:
        # Two halves of a block at different depths on a magenta plate.
        picture = np.full((72, 128, 3), (255, 0, 255), np.uint8)
        left, right = np.zeros((2, 72, 128), np.uint8)
        left[20:60, 30:64], right[20:60, 64:100] = 255, 255
        plate = picture.copy()
        picture[left > 0], picture[right > 0] = (0, 120, 0), (0, 180, 60)
        halves = [Instance(left, depth=0.4), Instance(right, depth=0.1)]
        scene = Scene(picture, halves, plate=plate)
        for move in MOVES:
            shot = KenBurns(move=move).prepare(scene)
            camera, render = shot.pose, shot.render
            for t in TIMES:
                inside = render(camera(t))[34:46, 50:80]
                assert inside[..., 0].max() < 40, (move, t)

    def test_nobody_grows_round_the_one_in_front(self) -> None:
        # A green block touches a blue bar; once the bar is aside, green shows beside the block
        # only.
        picture = np.full((72, 128, 3), (255, 0, 255), np.uint8)
        bar, block = np.zeros((2, 72, 128), np.uint8)
        bar[6:66, 50:70], block[30:42, 70:100] = 255, 255
        plate = picture.copy()
        picture[bar > 0], picture[block > 0] = (0, 0, 120), (0, 180, 0)
        frame = _frame_with_the_first_aside(picture, (bar, block), plate)
        green = frame[..., 1] > 90
        assert green[36].sum() > 32
        assert not green[:26].any()
        assert not green[46:].any()

    def test_what_hides_does_not_stick_out(self) -> None:
        # Of a block behind a bar, nothing may go on above the block's upper edge.
        bar, block = np.zeros((2, 576, 1024), np.uint8)
        bar[100:500, 400:480], block[250:350, 480:700] = 255, 255
        picture = np.full((576, 1024, 3), (255, 0, 255), np.uint8)
        plate = picture.copy()
        picture[bar > 0], picture[block > 0] = (0, 0, 120), (0, 180, 0)
        instances = [Instance(bar, depth=0.1), Instance(block, depth=0.5)]
        scene = Scene(picture, instances, plate=plate)
        rear = build(make_canvas(scene, (1024, 576)), (1024, 576), 70.0).stack[1]
        assert isinstance(rear, CutOut)
        rows, columns = np.nonzero(rear.texture[..., 3])
        left, top = rear.origin_xy
        assert rows.min() + top >= 249  # a soft edge may take a pixel
        assert rows.max() + top <= 350
        assert 440 <= columns.min() + left <= 450  # behind half of the bar

    def test_an_outline_stays_where_it_touches_the_one_in_front(self) -> None:
        picture = np.full((72, 128, 3), (255, 0, 255), np.uint8)
        bar, block = np.zeros((2, 72, 128), np.uint8)
        bar[6:66, 50:70], block[20:52, 70:100] = 255, 255
        plate = picture.copy()
        picture[bar > 0], picture[block > 0] = (0, 0, 200), (0, 180, 0)
        picture[20:52, 70:72] = 0  # the outline
        frame = _frame_with_the_first_aside(picture, (bar, block), plate)
        assert frame[36].max(axis=1).min() < 40

    def test_the_old_background_leaves_no_halo(self) -> None:
        # A grey disc on white, moved over its black plate: no pixel may be lighter than the disc.
        rows, columns = np.mgrid[:72, :128]
        mask = np.clip(15.5 - np.hypot(columns - 60, rows - 40), 0, 1)
        picture = np.rint(255 + (90 - 255) * mask[..., None].repeat(3, axis=2)).astype(np.uint8)
        disc = Instance((mask * 255).astype(np.uint8), depth=0.1)
        scene = Scene(picture, [disc], plate=np.zeros((72, 128, 3), np.uint8))
        made = make_canvas(scene, (128, 72))
        stage = measure(made, (128, 72))
        layers = build(made, (128, 72), 10.0)
        frame = Renderer(layers, stage, (128, 72))(Pose(x=-0.08))
        x = round(60 + 0.08 * 128 * 0.925)
        region = frame[38:42, x - 18 : x + 19]
        assert region.max() <= 96

    @pytest.mark.parametrize("pool", ["mean", "median", "base", "none"])
    def test_pooling(self, make_scene, pool: str) -> None:
        scene = make_scene("overlap")
        shot = KenBurns(pool=pool).prepare(scene)
        camera, render = shot.pose, shot.render
        np.testing.assert_array_equal(render(Pose()), scene.picture)
        assert (render(camera(1.0)) != scene.picture).any()

    def test_depth_set_by_hand_counts(self, make_scene) -> None:
        scene = make_scene("standing")
        near, far = (
            scene.with_instances([Instance(scene[0].mask, depth=depth)]) for depth in (0.0, 0.9)
        )
        moved = [measure(make_canvas(s, s.size_wh), s.size_wh).boxes[0].q for s in (near, far)]
        assert moved == pytest.approx([1.0, 0.325])

    def test_a_plate_with_edges_of_depth_is_filled_behind_them(self, make_scene) -> None:
        depth = np.full((72, 128), 0.9, np.float32)
        depth[20:50, 40:80] = 0.2
        scene = make_scene("none", depth=depth)
        shot = KenBurns(move="orbit").prepare(scene)
        camera, render = shot.pose, shot.render
        assert len(render._layers.stack) == 2
        np.testing.assert_array_equal(render(Pose()), scene.picture)
        deep, front = (render._lookups[i](camera(1.0), 1) for i in (0, 1))
        assert front[2].mean() < 0.2
        torn = front[2] > 0
        assert torn.any()
        # Where the front is torn, what shows comes from the inpainted part behind its edge.
        behind = render._layers.stack[0].q[
            np.clip(np.rint(deep[1][torn]), 0, 71).astype(int),
            np.clip(np.rint(deep[0][torn]), 0, 127).astype(int),
        ]
        assert np.median(behind) < 0.5
