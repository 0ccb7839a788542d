"""Characters taken apart."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from apps.puppet.mesh.mesh import Mesh
from apps.puppet.parts import build_rig
from apps.puppet.parts.limbs import find_limbs, sheets_of_joints
from apps.puppet.parts.places import Places
from apps.puppet.rig import Rig
from apps.puppet.skeleton import STANDARD, Skeleton
from cartoonedit.errors import InvalidInput
from cartoonedit.images import open_image, open_mask
from tests.apps.puppet.figures import SHIRT, SKIN, figure, over, points

WH = (160, 220)


def check_rig(rig: Rig, colours: NDArray[np.uint8], mask: NDArray[np.uint8]) -> None:
    """All that a rig promises."""
    wanted = np.dstack([colours * (mask[..., None] / 255), mask])
    got = over([(sheet.texture, sheet.origin_xy) for sheet in rig.sheets], mask.shape[::-1])
    np.testing.assert_allclose(got, wanted, atol=1)
    assert np.isfinite(rig.mesh.vertices_xy).all()
    assert len(rig.bones) == len(rig.mesh.vertices_xy)
    assert np.isin(rig.bones, np.arange(len(rig.skeleton))).all()
    edges = Counter(
        frozenset((int(t[i]), int(t[i - 1]))) for t in rig.mesh.triangles for i in range(3)
    )
    assert max(edges.values()) <= 2
    known = {tuple(sorted(t)) for t in rig.mesh.triangles.tolist()}
    for sheet in rig.sheets:
        assert {tuple(sorted(t)) for t in sheet.triangles.tolist()} <= known
        moved = Mesh(rig.mesh.vertices_xy - sheet.origin_xy + 1, sheet.triangles)
        shape = (sheet.texture.shape[0] + 2, sheet.texture.shape[1] + 2)
        covered = Places(moved, shape).drawn[1:-1, 1:-1] >= 0
        assert covered[sheet.texture[..., 3] > 0].all(), sheet.name


def parts_of(rig: Rig) -> int:
    """Into how many pieces that do not hang together the mesh is cut."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    ends = rig.mesh.triangles[:, [0, 1, 1, 2]].reshape(-1, 2)
    graph = coo_matrix((np.ones(len(ends)), tuple(ends.T)), shape=(len(rig.bones),) * 2)
    return int(connected_components(graph, directed=False)[0])


def slit(rig: Rig) -> NDArray[np.float64]:
    """Places at which there are several vertices, ``(N, 2)``."""
    places, counts = np.unique(rig.mesh.vertices_xy, axis=0, return_counts=True)
    return places[counts > 1]


@pytest.fixture(scope="module")
def hanging() -> Rig:
    return build_rig("figure", *figure())


def test_a_figure_becomes_a_trunk_with_four_limbs_before_it(hanging: Rig) -> None:
    names = [sheet.name for sheet in hanging.sheets]
    assert names[0] == "trunk"
    assert set(names[1:]) == {"right_foot", "left_foot", "right_hand", "left_hand"}
    assert names.index("left_hand") > names.index("left_foot")
    for sheet in hanging.sheets[1:]:
        assert [hanging.skeleton.names[joint] for joint in sheet.joints] == [sheet.name]
    check_rig(hanging, *figure()[:2])


def test_arms_at_the_sides_come_off_below_the_armpits_and_legs_part(hanging: Rig) -> None:
    places = slit(hanging)
    flank = places[(places[:, 1] > 100) & (places[:, 1] < 128)]
    assert (flank[:, 0] < 60).any()
    assert (flank[:, 0] > 100).any()
    # Where they hang from the shoulders, nothing is torn.
    shoulder = np.abs(places - hanging.skeleton["right_shoulder"]).max(axis=1)
    assert shoulder.min() > 4
    assert parts_of(hanging) == 1


def test_the_arm_ends_where_its_colour_ends(hanging: Rig) -> None:
    arm = next(sheet for sheet in hanging.sheets if sheet.name == "right_hand")
    colours, mask, _ = figure()
    x, y = arm.origin_xy
    height, width = arm.texture.shape[:2]
    solid = np.zeros(mask.shape, bool)
    solid[y : y + height, x : x + width] = arm.texture[..., 3] > 200
    rows = np.s_[95:135]
    skin = (np.abs(colours.astype(int) - SKIN).max(axis=2) < 40) & (mask > 200)
    skin[:, 80:] = False
    both = (solid & skin)[rows].sum()
    assert both / (solid | skin)[rows].sum() > 0.85


def test_an_arm_before_the_body_leaves_the_shirt_behind_it() -> None:
    at = points(right_elbow=(62, 92), right_hand=(84, 100))
    colours, mask, skeleton = figure(at)
    rig = build_rig("figure", colours, mask, skeleton)
    check_rig(rig, colours, mask)
    trunk = rig.sheets[0]
    x, y = 74 - trunk.origin_xy[0], 96 - trunk.origin_xy[1]
    beneath = trunk.texture[y, x]
    assert np.abs(beneath[:3].astype(int) - SHIRT).max() < 30
    assert beneath[3] > 250
    # And it hangs from the trunk: all of what it is drawn on there follows trunk bones.
    limbs = sheets_of_joints(skeleton, find_limbs(skeleton))
    where = rig.mesh.vertices_xy[trunk.triangles]
    near = np.abs(where.mean(axis=1) - (76, 97)).max(axis=1) < 8
    assert near.any()
    assert (limbs[rig.bones[trunk.triangles[near]]] == 0).all()


def test_where_a_sheet_folds_what_is_transparent_hides_nothing(hanging: Rig) -> None:
    for sheet in hanging.sheets:
        places = hanging.mesh.vertices_xy[sheet.triangles].mean(axis=1) - sheet.origin_xy
        x, y = np.clip(places.astype(int), 0, np.array(sheet.texture.shape[1::-1]) - 1).T
        clear = np.flatnonzero(sheet.texture[y, x, 3] == 0)
        assert clear.max() < 0.6 * len(sheet.triangles)  # later ones are drawn over them


def test_uncut_the_mesh_is_as_the_silhouette_is() -> None:
    colours, mask, skeleton = figure()
    rig = build_rig("figure", colours, mask, skeleton, cut=False)
    assert not len(slit(rig))
    check_rig(rig, colours, mask)


def test_the_same_seed_gives_the_same_rig() -> None:
    one, other = (build_rig("figure", *figure(), seed=3) for _ in range(2))
    for a, b in zip(one.sheets, other.sheets, strict=True):
        np.testing.assert_array_equal(a.texture, b.texture)
    np.testing.assert_array_equal(one.mesh.vertices_xy, other.mesh.vertices_xy)


ONE = Skeleton(("root",), (-1,), np.array([[80.0, 100.0]]))
FAR = Skeleton.build({name: (900.0 + 5 * i, -400.0) for i, name in enumerate(STANDARD)})
SAME = Skeleton.build(dict.fromkeys(STANDARD, (80.0, 100.0)))
USUAL = Skeleton.build(points())


def dots() -> NDArray[np.uint8]:
    mask = np.zeros(WH[::-1], np.uint8)
    mask[::40, ::40] = 255
    return mask


def holes() -> NDArray[np.uint8]:
    mask = figure()[1]
    mask[100:110, 70:90] = 0
    mask[30:40, 75:85] = 0
    return mask


def one_pixel(value: int = 255) -> NDArray[np.uint8]:
    mask = np.zeros(WH[::-1], np.uint8)
    mask[0, 0] = value
    return mask


@pytest.mark.parametrize(
    ("mask", "skeleton"),
    [
        (figure()[1], ONE),
        (figure()[1], FAR),
        (figure()[1], SAME),
        (np.full(WH[::-1], 255, np.uint8), USUAL),
        (np.full(WH[::-1], 90, np.uint8), SAME),
        (dots(), USUAL),
        (dots(), FAR),
        (holes(), USUAL),
        (one_pixel(), USUAL),
        (one_pixel(), ONE),
        (one_pixel(1), FAR),
    ],
)
def test_any_mask_and_any_skeleton_make_a_rig(mask: NDArray[np.uint8], skeleton: Skeleton) -> None:
    colours = figure()[0]
    check_rig(build_rig("odd", colours, mask, skeleton), colours, mask)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_noise_makes_a_rig(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 40, 2))
    mask = (rng.random(shape) < rng.random()).astype(np.uint8) * np.uint8(255)
    mask[tuple(rng.integers(0, shape))] = rng.integers(1, 256)
    colours = rng.integers(0, 256, (*shape, 3), np.uint8)
    names = [name for name in STANDARD if name == "root" or rng.random() < 0.8]
    skeleton = Skeleton.build({name: rng.uniform(-10, 50, 2) for name in names})
    check_rig(build_rig("noise", colours, mask, skeleton), colours, mask)


@pytest.mark.parametrize(
    ("mask", "reason"),
    [(np.zeros((220, 160), np.uint8), "empty"), (np.ones((3, 3), np.uint8), "size")],
)
def test_what_cannot_be_a_character_is_told(mask: NDArray[np.uint8], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        build_rig("nobody", figure()[0], mask, ONE)


@pytest.mark.parametrize("name", ["char1", "char5"])
def test_drawings_come_apart(shared, name: str) -> None:  # type: ignore[no-untyped-def]
    folder = shared / "fixtures" / "puppet" / "characters" / name
    joints = yaml.safe_load((folder / "char_cfg.yaml").read_text())["skeleton"]
    skeleton = Skeleton.build(
        {joint["name"]: joint["loc"] for joint in joints},
        {joint["name"]: joint["parent"] for joint in joints},
    )
    colours, mask = open_image(folder / "texture.png"), open_mask(folder / "mask.png")
    rig = build_rig(name, colours, mask, skeleton)
    assert len(rig.sheets) == len(find_limbs(skeleton)) + 1
    check_rig(rig, colours, mask)
