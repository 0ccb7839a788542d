from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from apps.puppet.classic.mesh import drawing_mesh, outline, square_mask
from cartoonedit.errors import InvalidInput

KNOWN = [("char1", "char1_dab"), ("char5", "char5_six_arms_dab")]


def load_mask(shared: Path, character: str) -> NDArray[np.uint8]:
    path = shared / f"fixtures/puppet/characters/{character}/mask.png"
    return cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)


@pytest.mark.parametrize(("character", "case"), KNOWN)
def test_the_very_mesh_of_animated_drawings(shared: Path, character: str, case: str) -> None:
    mask = load_mask(shared, character)
    with np.load(shared / f"fixtures/puppet/{case}.npz") as known:
        line, vertices = known["contour"], known["mesh_vertices"]
        triangles = known["mesh_triangles"]
    np.testing.assert_allclose(outline(square_mask(mask)), line, atol=1e-4)
    mesh = drawing_mesh(mask)
    np.testing.assert_allclose(mesh.vertices_xy, vertices, atol=1e-6)

    def areas(points: NDArray[np.floating], of: NDArray[np.integer]) -> NDArray[np.float64]:
        a, b, c = points[of].transpose(1, 2, 0).astype(np.float64)
        return np.abs((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])) / 2

    # Another Qhull may list them otherwise, and split squares the other way.
    assert len(mesh.triangles) == len(triangles)
    assert areas(mesh.vertices_xy, mesh.triangles).sum() == pytest.approx(
        areas(vertices, triangles).sum(), rel=1e-5
    )


def test_the_square_has_y_up_and_is_padded_at_the_high_end() -> None:
    mask = np.array([[1, 0, 2], [3, 4, 5]], np.uint8)
    assert square_mask(mask).tolist() == [[3, 1, 0], [4, 0, 0], [5, 2, 0]]
    assert square_mask(mask > 1).tolist() == [[255, 0, 0], [255, 0, 0], [255, 255, 0]]


def test_a_mesh_covers_the_mask_in_the_unit_square() -> None:
    # A round one: where an outline is straight for long, the triangles of the recipe miss some.
    drawn = np.zeros((300, 200), np.uint8)
    cv2.ellipse(drawn, (90, 180), (70, 110), 20, 0, 360, 255, -1)
    mask = drawn > 0
    mesh = drawing_mesh(mask)
    canvas = np.zeros((2400, 2400), np.uint8)
    for corners in mesh.vertices_xy[mesh.triangles]:
        # The outline runs through pixel centres: coordinates are those of centres.
        pixels = (corners * 300 + 0.5) * 8
        upright = np.stack([pixels[:, 0], 2400 - pixels[:, 1]], axis=1) - 0.5
        cv2.fillConvexPoly(canvas, np.round(upright * 256).astype(np.int32), 1, shift=8)
    found = canvas[4::8, 4::8] > 0
    found, beside = found[:, :200], found[:, 200:]
    assert (found & mask).sum() / (found | mask).sum() >= 0.999 and not beside.any()


@pytest.mark.parametrize(
    "box", [np.s_[:, :], np.s_[:20], np.s_[:, 40:], np.s_[10:20, 10:20], np.s_[58:, 58:]]
)
def test_a_mask_that_meets_the_border_has_a_mesh(box: tuple[slice, ...]) -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[box] = 255
    mesh = drawing_mesh(mask)
    assert np.isfinite(mesh.vertices_xy).all() and len(mesh.triangles)
    assert mesh.triangles.max() < len(mesh.vertices_xy)


def test_the_longest_outline_is_taken_and_holes_are_filled() -> None:
    mask = np.zeros((100, 100), np.uint8)
    cv2.circle(mask, (30, 50), 20, 255, 5)
    cv2.circle(mask, (80, 50), 8, 255, -1)
    mesh = drawing_mesh(mask)
    used = mesh.vertices_xy[np.unique(mesh.triangles)]
    assert used[:, 0].max() < 0.56
    middle = np.linalg.norm(used - [0.305, 0.495], axis=1)
    assert middle.min() < 0.05


@pytest.mark.parametrize(
    ("mask", "says"),
    [
        (np.zeros((5, 6), np.uint8), "6 x 6 pixels is above 128"),
        (np.full((5, 6), 128, np.uint8), "above 128"),
        (np.ones((5, 6, 1), np.uint8), "shape"),
        (np.ones((0, 6), np.uint8), "shape"),
        (np.ones((5, 6)), "float64"),
        (np.full((1, 1), 255, np.uint8), "room for a triangle"),
    ],
)
def test_what_has_no_mesh_is_refused(mask: NDArray, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        drawing_mesh(mask)
