from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from apps.puppet.mesh.mesh import Mesh
from apps.puppet.mesh.triangulate import triangulate
from cartoonedit.errors import InvalidInput
from tests.apps.puppet.mesh.masks import HARD, comb, figure, ring

SCALE = 8


def covered(mesh: Mesh, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Eighths of pixels that the triangles reach, one pixel more on each side."""
    canvas = np.zeros(((shape[0] + 2) * SCALE, (shape[1] + 2) * SCALE), np.uint8)
    for corners in mesh.vertices_xy[mesh.triangles]:
        fixed = np.round(((corners + 1) * SCALE - 0.5) * 256).astype(np.int32)
        cv2.fillConvexPoly(canvas, fixed, 1, cv2.LINE_8, 8)
    return canvas > 0


def wanted(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where bilinear sampling of the mask is not 0."""
    large = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    large = np.kron(large, np.ones((SCALE, SCALE), np.uint8))
    return cv2.dilate(large, np.ones((SCALE - 1, SCALE - 1), np.uint8)) > 0


def double_areas(mesh: Mesh) -> NDArray[np.float64]:
    a, b, c = mesh.vertices_xy[mesh.triangles].transpose(1, 2, 0)
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def check_sound(mesh: Mesh) -> None:
    assert np.isfinite(mesh.vertices_xy).all()
    assert mesh.vertices_xy.dtype == np.float64 and mesh.triangles.dtype == np.int32
    assert (np.unique(mesh.triangles) == np.arange(len(mesh.vertices_xy))).all()
    assert (double_areas(mesh) > 0).all()


@pytest.mark.parametrize("name", HARD)
def test_every_mask_is_covered_by_sound_triangles(name: str) -> None:
    mesh = triangulate(HARD[name])
    check_sound(mesh)
    lacking = wanted(HARD[name]) & ~covered(mesh, HARD[name].shape)
    # At a spike the mitre is cut off.
    assert lacking.sum() <= 0.001 * HARD[name].sum() * SCALE**2


@settings(max_examples=40, deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(1, 24), st.integers(1, 24))).filter(np.any))
def test_any_mask_is_covered_by_sound_triangles(mask: NDArray[np.bool_]) -> None:
    mesh = triangulate(mask)
    check_sound(mesh)
    lacking = wanted(mask) & ~covered(mesh, mask.shape)
    assert lacking.sum() <= 0.01 * mask.sum() * SCALE**2


@pytest.mark.parametrize("scale", [0.5, 1, 2, 4])
def test_the_number_of_vertices_does_not_follow_the_size(scale: float) -> None:
    mask = cv2.resize(figure().astype(np.float32), None, fx=scale, fy=scale) > 0.5
    assert 300 <= len(triangulate(mask).vertices_xy) <= 900


def test_the_gap_between_fingers_stays_open() -> None:
    mask = comb(gap=6)
    reached = covered(triangulate(mask), mask.shape)
    columns = (np.arange(9) * 14 + 11 + 1) * SCALE
    assert not reached[(20 + 1) * SCALE : (70 + 1) * SCALE, columns].any()


@pytest.mark.parametrize(("spacing", "hole"), [(None, True), (20, True), (1000, False)])
def test_a_hole_stays_open_where_it_is_larger_than_a_triangle(
    spacing: float | None, hole: bool
) -> None:
    reached = covered(triangulate(ring(), spacing), (300, 300))
    assert reached[151 * SCALE, 151 * SCALE] != hole


def test_a_finer_mesh_has_shorter_edges() -> None:
    coarse, fine = triangulate(figure(), 20), triangulate(figure(), 8)
    assert len(fine.triangles) > 2 * len(coarse.triangles)
    assert np.median(double_areas(fine)) == pytest.approx(8**2 * np.sqrt(3) / 2, rel=0.1)


def test_a_wide_rim_reaches_farther() -> None:
    mask = np.zeros((60, 60), np.bool_)
    mask[20:40, 20:40] = True
    low, high = (getattr(triangulate(mask, rim=8).vertices_xy, of)(axis=0) for of in ("min", "max"))
    assert (low <= 12).all() and (low > 10).all() and (high >= 48).all() and (high < 50).all()


def test_a_long_thin_mask_is_no_burden() -> None:
    mask = np.zeros((5, 20_000), np.uint8)
    mask[1:4] = 1
    mesh = triangulate(mask)
    check_sound(mesh)
    assert double_areas(mesh).sum() / 2 >= 60_000 and len(mesh.vertices_xy) < 2000


@pytest.mark.parametrize(
    ("mask", "options", "says"),
    [
        (np.zeros((4, 5), np.uint8), {}, "5 x 4 pixels is empty"),
        (np.ones((4, 5, 3), np.uint8), {}, "shape"),
        (np.ones((4, 5)), {}, "float64"),
        (np.ones((4, 5), np.uint8), {"spacing": 0.1}, "spacing"),
        (np.ones((4, 5), np.uint8), {"spacing": float("nan")}, "spacing"),
        (np.ones((4, 5), np.uint8), {"rim": -1}, "rim"),
    ],
)
def test_what_is_no_mask_is_refused(
    mask: NDArray[Any], options: dict[str, float], says: str
) -> None:
    with pytest.raises(InvalidInput, match=says):
        triangulate(mask, **options)
