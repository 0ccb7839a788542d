from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.kenburns import KenBurns
from apps.kenburns.colours import Colours
from apps.kenburns.focus import BLUR, RADII, DepthOfField, disc
from apps.kenburns.layers import CutOut, Surface
from cartoonedit.errors import InvalidInput
from cartoonedit.scene import Instance, Scene

CANVAS = (200, 120)


def spread(image: np.ndarray) -> float:
    """Root mean square distance of the light from its middle."""
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    total = image.sum()
    x, y = (image * columns).sum() / total, (image * rows).sum() / total
    return float(np.sqrt((image * ((columns - x) ** 2 + (rows - y) ** 2)).sum() / total))


@given(st.floats(0.5, 40))
def test_a_disc_is_a_disc(radius: float) -> None:
    kernel = disc(radius)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(kernel, kernel[::-1])
    np.testing.assert_allclose(kernel, kernel.T)
    assert spread(kernel.astype(float)) == pytest.approx(radius / np.sqrt(2), abs=0.45)


def dot(q: float, aperture: float, plane: float) -> np.ndarray:
    texture = np.zeros((41, 41, 4), np.uint8)
    texture[20, 20] = 255
    layer = CutOut("dot", texture, (60, 40), q)
    field = DepthOfField(layer, Colours(True).encode(texture), CANVAS, aperture, (0.25, 1.0))
    return field(plane)[..., 3].astype(float)


@pytest.mark.parametrize("q", [0.3, 0.5, 0.9])
def test_in_its_plane_a_cut_out_stays_sharp(q: float) -> None:
    assert (dot(q, 2.0, q) > 0).sum() == 1


def test_blur_grows_with_the_difference_of_disparity_without_steps() -> None:
    planes = np.linspace(0.9, 0.3, 121)
    radii = np.array([2.0 * BLUR * CANVAS[0] * (0.9 - plane) for plane in planes])
    spreads = np.array([spread(dot(0.9, 2.0, float(plane))) for plane in planes])
    sure = radii > 1.5
    np.testing.assert_allclose(spreads[sure], radii[sure] / np.sqrt(2), atol=0.6)
    assert np.diff(spreads).max() < 0.35
    assert np.diff(spreads).min() > -0.02


def test_a_blurred_cut_out_keeps_its_light() -> None:
    lights = [dot(0.9, 2.0, plane).sum() for plane in (0.9, 0.7, 0.4)]
    np.testing.assert_allclose(lights, lights[0], rtol=0.02)


def test_a_surface_is_sharp_where_it_is_in_focus_and_blurred_elsewhere() -> None:
    rows, columns = np.mgrid[:120, :200]
    checks = (255 * ((rows // 4 + columns // 4) % 2)).astype(np.uint8)
    q = np.repeat(np.linspace(0.25, 1, 120, dtype=np.float32)[:, None], 200, axis=1)
    layer = Surface(np.dstack([checks] * 3), q)
    field = DepthOfField(layer, Colours().encode(layer.texture), CANVAS, 3.0, (0.25, 1.0))
    contrast = field(1.0)[..., 0].astype(float).std(axis=1)
    assert contrast[-1] > 120
    assert contrast[5] < 12
    smooth = np.convolve(contrast, np.ones(17) / 17, "valid")
    assert np.diff(smooth).min() > -3


def test_at_an_edge_of_depth_what_is_sharp_does_not_bleed_into_the_blur_behind() -> None:
    image = np.full((120, 200, 3), (0, 0, 200), np.uint8)
    image[:, 100:] = (255, 0, 0)
    q = np.full((120, 200), 0.25, np.float32)
    q[:, 100:] = 1.0
    layer = Surface(image, q, torn=True)
    seen = DepthOfField(layer, Colours().encode(image), CANVAS, 2.0, (1.0, 1.0))(1.0)
    np.testing.assert_array_equal(seen[:, 100:, 0], 255)
    assert seen[:, 94:98, 0].max() < 6
    plain = DepthOfField(Surface(image, q), Colours().encode(image), CANVAS, 2.0, (1.0, 1.0))(1.0)
    assert plain[:, 94:98, 0].max() > 50


def two() -> Scene:
    """A sharp chequered character on the left, far; one on the right, near."""
    rows, columns = np.mgrid[:72, :128]
    picture = np.dstack([(255 * ((rows + columns) % 2)).astype(np.uint8)] * 3)
    left, right = np.zeros((2, 72, 128), np.uint8)
    left[20:50, 20:50], right[20:50, 80:110] = 255, 255
    instances = [Instance(left, depth=0.7, name="far"), Instance(right, depth=0.0, name="near")]
    return Scene(picture, instances, plate=np.full((72, 128, 3), 127, np.uint8))


@pytest.mark.parametrize(
    ("options", "sharp"),
    [
        ({"aperture": 3.0}, ("near", "near")),
        ({"aperture": 3.0, "focus": "far"}, ("neither", "neither")),
        ({"aperture": 3.0, "focus": "0.7"}, ("far", "far")),
        ({"focus": "near", "focus_to": "0.7"}, ("near", "far")),
        ({"move": "focus-pull"}, ("near", "far")),
        ({}, ("both", "both")),
    ],
)
def test_what_is_in_focus(options: dict[str, object], sharp: tuple[str, str]) -> None:
    shot = KenBurns(strength=0.0, **options).prepare(two())
    for t, expected in zip((0.0, 1.0), sharp, strict=True):
        frame = shot.frame(t)[..., 0].astype(float)
        found = {
            name: np.abs(np.diff(frame[25:45, window], axis=1)).mean() > 200
            for name, window in (("far", slice(25, 45)), ("near", slice(85, 105)))
        }
        names = [name for name, is_sharp in found.items() if is_sharp]
        assert {0: "neither", 2: "both"}.get(len(names), "".join(names)) == expected, t


@pytest.mark.parametrize("focus", ["nobody", "1.5", "nan"])
def test_a_focus_that_is_not_there(focus: str) -> None:
    with pytest.raises(InvalidInput):
        KenBurns(aperture=1.0, focus=focus).prepare(two())


def test_radii_are_in_order() -> None:
    assert list(RADII) == sorted(set(RADII))
