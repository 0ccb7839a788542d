import json

import numpy as np
import pytest
from PIL import Image

from apps.puppet.classic.camera import homography
from apps.puppet.classic.painter import CharacterPainter, ClassicStage, draw_order
from apps.puppet.mesh.mesh import Mesh
from cartoonedit.errors import InvalidInput
from tests.apps.puppet.render.rigs import grid

SIZE = (100, 80)


@pytest.fixture(scope="module")
def reference(shared):
    folder = shared / "fixtures" / "puppet"
    data = dict(np.load(folder / "char1_dab.npz"))
    offsets = data["jt_offsets"]
    by_joint = {
        str(name): data["jt_tri"][start:end]
        for name, start, end in zip(data["jt_names"], offsets, offsets[1:], strict=False)
    }
    meta = json.loads(str(data["meta"]))
    matrix = homography(
        meta["camera_pos"], meta["camera_fwd"], (500, 500), meta["char_start_loc"][2]
    )
    character = folder / "characters" / "char1"
    texture = np.array(Image.open(character / "texture.png").convert("RGBA"))
    mask = np.array(Image.open(character / "mask.png").convert("L"))
    mesh = Mesh(data["mesh_vertices"].astype(float), data["mesh_triangles"])
    frames = [
        np.array(Image.open(folder / "frames" / "char1_dab" / f"{index:04d}.png"))
        for index in data["sel"]
    ]
    return data, by_joint, mesh, texture, mask, matrix, frames


def test_draw_order_is_that_of_the_original(reference):
    data, by_joint, *_ = reference
    for joints, expected in zip(data["joint_draw_order"], data["draw_tri"], strict=True):
        assert np.array_equal(draw_order(by_joint, joints), expected)


def test_draw_order_leaves_out_what_is_not_named():
    by_joint = {"a": np.array([3, 1]), "b": np.array([0]), "c": np.array([2])}
    assert draw_order(by_joint, ["c", "x", "a"]).tolist() == [2, 3, 1]
    assert draw_order(by_joint, []).size == 0


def test_aliased_frames_are_those_of_the_original(reference):
    data, by_joint, mesh, texture, _, matrix, frames = reference
    painter = CharacterPainter(mesh, by_joint, texture, matrix, antialias=False)
    stage = ClassicStage([painter], antialias=False, opaque=False)
    for vertices, joints, expected in zip(
        data["verts"], data["joint_draw_order"], frames, strict=True
    ):
        found = stage.paint_frame([(vertices, joints)])
        error = np.abs(found.astype(int) - expected).max(axis=-1)
        covered = (found[..., 3] > 0) | (expected[..., 3] > 0)
        assert (error[covered] <= 1).mean() >= 0.999
        assert error[~covered].max() == 0


def test_anti_aliased_frames_look_the_same_from_afar(reference):
    data, by_joint, mesh, texture, mask, matrix, frames = reference
    stage = ClassicStage([CharacterPainter(mesh, by_joint, texture, matrix, mask=mask)])
    found = stage.paint_frame([(data["verts"][4], data["joint_draw_order"][4])])
    expected = frames[4]

    def coarse(frame):
        return frame[..., :3].reshape(50, 10, 50, 10, 3).mean(axis=(1, 3))

    # Half a texel apart, and without the rim of paper.
    assert np.abs(coarse(found) - coarse(expected)).mean() < 1
    assert np.abs(coarse(found) - coarse(expected)).max() < 30


def straight(scale, size_wh=SIZE):
    """A camera that shows the plane from the front: the origin at the lower left of the window."""
    return np.array([[scale, 0, 0], [0, -scale, size_wh[1]], [0, 0, 1.0]])


def drawing(side=20, alpha=255):
    points, triangles = grid(0, 0, 1, 1, 0.1)
    texture = np.random.default_rng(0).integers(0, 256, (side, side, 4), np.uint8)
    texture[..., 3] = alpha
    return Mesh(points, triangles), {"root": np.arange(len(triangles))}, texture


@pytest.mark.parametrize("size_wh", [(20, 20), (20, 14), (14, 20)], ids=str)
def test_texels_are_shown_as_they_are_at_their_own_size(size_wh):
    mesh, by_joint, texture = drawing()
    texture = texture[: size_wh[1], : size_wh[0]]
    # A very little smaller, so that texels are not mixed.
    painter = CharacterPainter(mesh, by_joint, texture, straight(19.999), SIZE, antialias=False)
    frame = ClassicStage([painter], SIZE, antialias=False, opaque=False).paint_frame(
        [(mesh.vertices_xy, ["root"])]
    )
    width, height = size_wh
    assert np.array_equal(frame[80 - height :, :width], texture)
    if height < 20:  # what was added above the picture is transparent
        assert (frame[: 80 - height] == (255, 255, 255, 0)).all()


@pytest.mark.parametrize(("scale", "mixed"), [(59.0, True), (7.0, False)])
def test_texels_are_mixed_only_where_they_are_enlarged(scale, mixed):
    mesh, by_joint, texture = drawing()
    painter = CharacterPainter(mesh, by_joint, texture, straight(scale), SIZE, antialias=False)
    frame = ClassicStage([painter], SIZE, antialias=False, opaque=False).paint_frame(
        [(mesh.vertices_xy, ["root"])]
    )
    known = {tuple(texel) for texel in texture.reshape(-1, 4)} | {(255, 255, 255, 0)}
    assert any(tuple(pixel) not in known for pixel in frame.reshape(-1, 4)) == mixed


@pytest.mark.parametrize(("alpha", "painted"), [(25, False), (26, True), (255, True)])
def test_aliased_copies_alpha_but_for_the_faintest(alpha, painted):
    mesh, by_joint, texture = drawing(alpha=alpha)
    painter = CharacterPainter(mesh, by_joint, texture, straight(19.9), SIZE, antialias=False)
    stage = ClassicStage([painter], SIZE, antialias=False, opaque=False)
    frame = stage.paint_frame([(mesh.vertices_xy, ["root"])])
    assert set(np.unique(frame[..., 3])) == ({0, alpha} if painted else {0})


def test_anti_aliased_frames_are_cut_by_the_mask_and_blended():
    mesh, by_joint, texture = drawing()
    texture[:] = (200, 100, 0, 255)
    mask = np.zeros((20, 20), np.uint8)
    mask[:, :10], mask[:, 10:13] = 255, 128
    painter = CharacterPainter(mesh, by_joint, texture, straight(20), SIZE, mask=mask)
    pose = [(mesh.vertices_xy, ["root"])]
    solid = ClassicStage([painter], SIZE).paint_frame(pose)
    assert solid.shape == (80, 100, 3)
    assert solid[70, 5].tolist() == [200, 100, 0]
    assert solid[70, 18].tolist() == [255, 255, 255]
    assert np.abs(solid[70, 11].astype(int) - [227, 177, 127]).max() <= 1
    clear = ClassicStage([painter], SIZE, opaque=False).paint_frame(pose)
    assert clear[70, 5].tolist() == [200, 100, 0, 255]
    assert clear[70, 18].tolist() == [0, 0, 0, 0]
    assert np.abs(clear[70, 11].astype(int) - [200, 100, 0, 128]).max() <= 1


@pytest.mark.parametrize("antialias", [False, True])
def test_later_characters_are_painted_over_earlier_ones_and_the_background(antialias):
    mesh, by_joint, texture = drawing()
    painters = []
    for colour in ((255, 0, 0), (0, 0, 255)):
        painted = texture.copy()
        painted[..., :3] = colour
        painters.append(
            CharacterPainter(mesh, by_joint, painted, straight(20), SIZE, antialias=antialias)
        )
    background = np.full((80, 100, 4), (10, 20, 30, 255), np.uint8)
    stage = ClassicStage(painters, SIZE, background=background, antialias=antialias)
    poses = [(mesh.vertices_xy + shift, ["root"]) for shift in ((1, 1), (1.5, 1.5))]
    frame = stage.paint_frame(poses)
    assert frame.shape == (80, 100, 3)
    assert frame[55, 25].tolist() == [255, 0, 0]
    assert frame[45, 35].tolist() == [0, 0, 255]
    assert frame[5, 5].tolist() == [10, 20, 30]


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("shift", [50.0, np.nan])
def test_a_character_outside_of_the_window_is_not_painted(antialias, shift):
    mesh, by_joint, texture = drawing()
    painter = CharacterPainter(mesh, by_joint, texture, straight(20), SIZE, antialias=antialias)
    frame = ClassicStage([painter], SIZE, antialias=antialias).paint_frame(
        [(mesh.vertices_xy + shift, ["root"])]
    )
    assert (frame == 255).all()


def test_what_does_not_fit_is_refused():
    mesh, by_joint, texture = drawing()
    with pytest.raises(InvalidInput, match="as large as its texture; got 5 x 4"):
        CharacterPainter(mesh, by_joint, texture, straight(20), mask=np.zeros((4, 5), np.uint8))
    with pytest.raises(InvalidInput, match="1 characters needs as many poses; got 0"):
        ClassicStage([CharacterPainter(mesh, by_joint, texture, straight(20))]).paint_frame([])
    with pytest.raises(InvalidInput, match="RGBA of 100 x 80"):
        ClassicStage([], SIZE, background=np.zeros((80, 100, 3), np.uint8))
