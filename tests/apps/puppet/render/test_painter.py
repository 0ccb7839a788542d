import numpy as np
import pytest

from apps.puppet.render.painter import RigPainter, Stage, View, paint_rig
from apps.puppet.rig import Sheet
from cartoonedit.errors import InvalidInput
from tests.apps.puppet.render.rigs import over, rig_of, soft, texture

PLATE = np.random.default_rng(9).integers(0, 256, (60, 80, 3), np.uint8)
RED, BLUE = (
    (np.array([[colour]]) * np.ones((12, 12, 1))).astype(np.uint8)
    for colour in ((255, 0, 0, 255), (0, 0, 255, 255))
)


def two_sheets():
    """One soft sheet, and one over a part of it."""
    return rig_of(
        (texture(31, 40, 1, soft(31, 40)), (10, 7), ()), (texture(20, 12, 2), (30, 20), ())
    )


@pytest.mark.parametrize("supersample", [1, 2, 3])
def test_in_rest_the_picture_is_what_the_textures_make_of_it(supersample):
    rig = two_sheets()
    expected = PLATE
    for sheet in rig.sheets:
        expected = over(expected, sheet.texture, *sheet.origin_xy)
    frame = Stage(PLATE, [rig], supersample=supersample).paint_frame([(rig.mesh.vertices_xy, None)])
    assert np.abs(frame - expected).max() <= 1
    outside = np.ones(PLATE.shape[:2], bool)
    outside[7:47, 10:50] = False
    assert np.array_equal(frame[outside], PLATE[outside])


def test_whole_pixels_of_motion_move_the_texture():
    rig = rig_of((texture(20, 12, 2), (30, 20), ()))
    frame = Stage(PLATE, [rig]).paint_frame([(rig.mesh.vertices_xy + np.array((7, -5)), None)])
    assert np.array_equal(frame[15:27, 37:57], rig.sheets[0].texture[..., :3])


def test_a_mirrored_rig_shows_its_texture_in_a_mirror():
    rig = rig_of((texture(20, 12, 2), (30, 20), ()))
    frame = Stage(PLATE, [rig]).paint_frame([((80, 0) + rig.mesh.vertices_xy * (-1, 1), None)])
    assert np.array_equal(frame[20:32, 30:50], rig.sheets[0].texture[:, ::-1, :3])


@pytest.mark.parametrize(
    ("joints", "depth", "front"),
    [
        (((0,), (1,)), None, BLUE),
        (((0,), (1,)), (0, 0, 0), BLUE),  # of equal depth, the order of the rig
        (((0,), (1,)), (2, 1, 0), RED),
        (((0,), (1,)), (1, 2, 0), BLUE),
        (((), (1,)), (9, -1, 9), RED),  # none stands for 0
        (((0, 2), (1,)), (3, 1, -2), BLUE),  # the mean
    ],
)
def test_sheets_are_painted_by_depth(joints, depth, front):
    rig = rig_of((RED, (30, 20), joints[0]), (BLUE, (33, 24), joints[1]))
    depths = None if depth is None else np.array(depth, float)
    frame = Stage(PLATE, [rig]).paint_frame([(rig.mesh.vertices_xy, depths)])
    assert frame[28, 36].tolist() == front[0, 0, :3].tolist()


def test_puppets_are_painted_in_the_given_order():
    rigs = [rig_of((RED, (30, 20), ())), rig_of((BLUE, (33, 24), ()))]
    stage, poses = Stage(PLATE, rigs), [(rig.mesh.vertices_xy, None) for rig in rigs]
    assert stage.paint_frame(poses)[28, 36].tolist() == [0, 0, 255]
    assert stage.paint_frame(poses, [1, 0])[28, 36].tolist() == [255, 0, 0]
    assert stage.paint_frame(poses, [0])[35, 44].tolist() == PLATE[35, 44].tolist()


def test_where_a_sheet_folds_its_last_triangles_show():
    rig = rig_of((texture(16, 12, 3), (20, 20), ()))
    vertices = rig.mesh.vertices_xy.copy()
    right = vertices[:, 0] > 28
    vertices[right, 0] = 56 - vertices[right, 0]  # the right half lies on the left one, or under it
    frame = Stage(PLATE, [rig], antialias=False).paint_frame([(vertices, None)])
    shown, own = frame[20:32, 20:28], rig.sheets[0].texture[..., :3]
    left = (shown == own[:, :8]).all(-1)
    mirrored = (shown == own[:, :7:-1]).all(-1)
    assert (left | mirrored).all()
    assert mirrored.any()
    assert np.array_equal(frame[:, 28:], PLATE[:, 28:])


def test_what_a_texture_has_beyond_its_triangles_is_never_seen():
    rig = rig_of((RED, (30, 20), ()))
    wide = np.full((12, 40, 4), 255, np.uint8)
    wide[:, :12] = RED
    sheet = rig.sheets[0]
    wider = type(rig)(
        rig.name, rig.skeleton, rig.mesh, rig.bones, (Sheet("s", wide, (30, 20), sheet.triangles),)
    )
    vertices = rig.mesh.vertices_xy + np.array((0.3, 0.2))
    black = np.zeros_like(PLATE)
    frame = Stage(black, [wider]).paint_frame([(vertices, None)])
    assert frame[..., 1:].max() == 0
    assert np.array_equal(frame, Stage(black, [rig]).paint_frame([(vertices, None)]))


def test_edges_are_soft_unless_they_should_be_hard():
    rig, black = rig_of((RED, (30, 20), ())), np.zeros_like(PLATE)
    vertices = rig.mesh.vertices_xy + np.array((0.25, 0))
    smooth = Stage(black, [rig]).paint_frame([(vertices, None)])
    assert smooth[25, 29:44, 0].tolist() == [0, 191, *[255] * 11, 64, 0]
    hard = Stage(black, [rig], antialias=False).paint_frame([(vertices, None)])
    assert set(np.unique(hard[..., 0])) == {0, 255}


@pytest.mark.parametrize("shift", [(-28, 0), (48, 0), (0, -24), (0, 36), (-29, -22), (44, 35)])
def test_a_rig_at_the_border_is_cut(shift):
    rig = rig_of((texture(12, 12, 4), (30, 20), ()))
    frame = Stage(PLATE, [rig]).paint_frame([(rig.mesh.vertices_xy + shift, None)])
    large = np.pad(PLATE, ((60, 60), (80, 80), (0, 0)))
    y, x = 80 + shift[1], 110 + shift[0]
    large[y : y + 12, x : x + 12] = rig.sheets[0].texture[..., :3]
    assert np.array_equal(frame, large[60:120, 80:160])


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v + 500,
        lambda v: v * 0 + 20,
        lambda v: v * np.nan,
        lambda v: v * (1, 0) + (0, 20),
        lambda v: np.where(np.arange(len(v))[:, None] % 2, v, np.inf),
    ],
)
def test_strange_vertices_paint_nothing(change):
    rig = rig_of((texture(12, 12, 4), (30, 20), ()))
    frame = Stage(PLATE, [rig]).paint_frame([(change(rig.mesh.vertices_xy), None)])
    assert np.array_equal(frame, PLATE)


def test_a_huge_puppet_fills_the_frame():
    rig = rig_of((RED, (30, 20), ()))
    frame = Stage(PLATE, [rig]).paint_frame([((rig.mesh.vertices_xy - (36, 26)) * 1e7, None)])
    assert (frame == (255, 0, 0)).all()


def test_without_ground_frames_are_transparent():
    alpha = np.full((12, 12), 100, np.uint8)
    rig = rig_of((texture(12, 12, 4, alpha), (30, 20), ()), (BLUE, (50, 20), ()))
    frame = Stage((80, 60), [rig]).paint_frame([(rig.mesh.vertices_xy, None)])
    assert frame.shape == (60, 80, 4)
    assert (frame[20:32, 50:62] == (0, 0, 255, 255)).all()
    own = rig.sheets[0].texture[..., :3] * 2.55
    assert np.abs(frame[20:32, 30:42, :3] - own).max() <= 1
    assert (frame[20:32, 30:42, 3] == 100).all()
    assert frame[:20].max() == 0


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_a_view_scales_the_picture(scale):
    coarse = texture(16, 12, 5)
    size = (16 * 4, 12 * 4)
    image = np.kron(coarse, np.ones((4, 4, 1), np.uint8))
    rig = rig_of((image, (20, 12), ()))
    view = View(scale, (6, -4))
    canvas = np.zeros((120, 200, 3), np.uint8)
    paint_rig(canvas, rig, rig.mesh.vertices_xy, view=view)
    left, top = int(20 * scale + 6), int(12 * scale - 4)
    cell = int(4 * scale)
    shown = canvas[top : top + int(size[1] * scale), left : left + int(size[0] * scale)]
    if scale < 1:  # by area, each cell keeps its colour
        assert np.array_equal(shown, np.kron(coarse[..., :3], np.ones((2, 2, 1), np.uint8)))
    middle = shown[cell // 2 :: cell, cell // 2 :: cell]
    assert np.abs(middle.astype(int) - coarse[..., :3]).max() <= 1


def test_a_fine_pattern_is_averaged_when_it_is_shrunk():
    checks = (np.indices((40, 40)).sum(axis=0) % 2 * 255).astype(np.uint8)
    image = np.dstack([checks] * 3 + [np.full_like(checks, 255)])
    rig = rig_of((image, (20, 12), ()))
    canvas = np.zeros((60, 80, 3), np.uint8)
    paint_rig(canvas, rig, rig.mesh.vertices_xy + np.array((0.4, 0.7)), view=View(0.25))
    assert np.abs(canvas[5:11, 7:13].astype(int) - 128).max() <= 2


def test_nothing_to_paint():
    rig = rig_of((np.zeros((12, 12, 4), np.uint8), (30, 20), ()))
    assert np.array_equal(Stage(PLATE, [rig]).paint_frame([(rig.mesh.vertices_xy, None)]), PLATE)
    empty = type(rig)(rig.name, rig.skeleton, rig.mesh, rig.bones, ())
    assert RigPainter(empty).paint(PLATE.copy(), rig.mesh.vertices_xy) == (0, 0, 0, 0)


def test_bad_views_and_numbers_of_poses_are_refused():
    with pytest.raises(InvalidInput, match="scale above 0"):
        View(0.0)
    with pytest.raises(InvalidInput, match="1 puppets needs as many poses; got 0"):
        Stage(PLATE, [two_sheets()]).paint_frame([])
