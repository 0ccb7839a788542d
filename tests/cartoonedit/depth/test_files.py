from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from cartoonedit.depth import estimate_depth, read_depth
from cartoonedit.errors import InvalidInput, MissingExtra

RAMP = np.linspace(0, 1, 160, dtype=np.float32)[None].repeat(90, axis=0)
BLANK = np.zeros((90, 160, 3), np.uint8)


def save(folder: Path, name: str, values: np.ndarray = RAMP) -> Path:
    """Writes 0..1 with the bits that the name says."""
    path = folder / name
    if "float" in name:
        cv2.imwrite(str(path), values.astype(np.float32))
    elif name.endswith(".npy"):
        np.save(path, values)
    elif "16" in name:
        cv2.imwrite(str(path), np.rint(values * 65535).astype(np.uint16))
    else:
        Image.fromarray(np.rint(values * 255).astype(np.uint8)).save(path)
    return path


KINDS = {
    "d8.png": 1 / 255,
    "d8.webp": 4 / 255,
    "d8.jpg": 4 / 255,
    "d8.tif": 1 / 255,
    "d16.png": 1e-4,
    "d16.tiff": 1e-4,
    "float.tif": 1e-6,
    "float.pfm": 1e-6,
    "d.npy": 1e-6,
}


@pytest.mark.parametrize("name", KINDS)
def test_conventions(tmp_path: Path, name: str) -> None:
    path = save(tmp_path, name)
    far = estimate_depth(BLANK, [], path)
    near = estimate_depth(BLANK, [], str(path), convention="near-white")
    np.testing.assert_allclose(far, RAMP, atol=KINDS[name])
    np.testing.assert_allclose(near, 1 - RAMP, atol=KINDS[name])
    assert far.dtype == near.dtype == np.float32


METRES = np.geomspace(1, 20, 160)[None].repeat(90, axis=0)


@pytest.mark.parametrize("kind", ["d.npy", "float.tif", "d16.png"])
def test_metric_becomes_disparity(tmp_path: Path, kind: str) -> None:
    values = METRES if "16" not in kind else METRES * 1000 / 65535  # millimetres
    depth = read_depth(save(tmp_path, kind, values), convention="metric")
    assert (np.diff(depth[0]) >= 0).all()
    low, high = np.percentile(1 / METRES, (1, 99))
    expected = 1 - np.clip((1 / METRES - low) / (high - low), 0, 1)
    np.testing.assert_allclose(depth, expected, atol=2e-3)


def test_holes_of_a_measurement_are_filled(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    metres = METRES.copy()
    metres[30:50, 60:90] = 0
    depth = read_depth(save(tmp_path, "d.npy", metres), convention="metric")
    whole = read_depth(save(tmp_path, "w.npy", METRES), convention="metric")
    np.testing.assert_allclose(depth, whole, atol=0.06)
    assert "600 pixels without a distance" in caplog.text


def test_infinity_is_the_sky_of_a_metric_file(tmp_path: Path) -> None:
    metres = METRES.copy()
    metres[:20] = np.inf
    depth = read_depth(save(tmp_path, "d.npy", metres), convention="metric")
    assert (depth[:20] == 1).all() and np.isfinite(depth).all()


def test_a_large_file_of_16_bits(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 3000, dtype=np.float32)[None].repeat(2000, axis=0)
    depth = read_depth(save(tmp_path, "d16.png", values), (3000, 2000))
    np.testing.assert_allclose(depth, values, atol=1e-4)
    assert len(np.unique(depth)) == 3000


@pytest.mark.parametrize("size", [(80, 45), (320, 180), (100, 90)])
def test_another_size_is_resized_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, size: tuple[int, int]
) -> None:
    depth = read_depth(save(tmp_path, "d.npy"), size)
    assert depth.shape == size[::-1] and "resized" in caplog.text
    assert depth.min() >= 0 and depth.max() <= 1 and (np.diff(depth[0]) >= 0).all()


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0, 7.5, -3.0])
@pytest.mark.parametrize("convention", ["far-white", "near-white", "metric"])
def test_constant(tmp_path: Path, value: float, convention: str) -> None:
    np.save(tmp_path / "d.npy", np.full((90, 160), value))
    depth = read_depth(tmp_path / "d.npy", convention=convention)
    assert len(np.unique(depth)) == 1
    assert 0 <= depth[0, 0] <= 1


@pytest.mark.parametrize(
    ("name", "channels"), [("rgb8.png", 3), ("rgba8.png", 4), ("rgb16.png", 3), ("rgb8.jpg", 3)]
)
def test_a_grey_picture_stored_in_colour(tmp_path: Path, name: str, channels: int) -> None:
    values = np.repeat(RAMP[..., None], channels, axis=2)
    values[..., 3:] = 1
    np.testing.assert_allclose(
        read_depth(save(tmp_path, name, values)), RAMP, atol=1e-4 if "16" in name else 4 / 255
    )


@pytest.mark.parametrize("name", ["turbo8.png", "turbo8.jpg", "turbo16.png"])
def test_false_colours_are_refused(tmp_path: Path, name: str) -> None:
    colours = cv2.applyColorMap((RAMP * 255).astype(np.uint8), cv2.COLORMAP_TURBO) / 255
    with pytest.raises(InvalidInput, match="is coloured"):
        read_depth(save(tmp_path, name, colours))


def one(value: float) -> np.ndarray:
    values = RAMP.copy()
    values[3, 4] = value
    return values


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 4, 5)), "shape"),
        (np.zeros(0), "shape"),
        (np.full((4, 4), "a"), "numbers"),
        (one(np.nan), "1 values that are not finite"),
        (one(np.inf), "1 values that are not finite"),
        (np.full((4, 4), 1e300), "16 values that are not finite"),
    ],
)
def test_no_depth_map(tmp_path: Path, array: np.ndarray, message: str) -> None:
    np.save(tmp_path / "d.npy", array)
    with pytest.raises(InvalidInput, match=message):
        read_depth(tmp_path / "d.npy")


def test_nan_is_no_distance(tmp_path: Path) -> None:
    np.save(tmp_path / "d.npy", one(np.nan))
    with pytest.raises(InvalidInput, match="not finite"):
        read_depth(tmp_path / "d.npy", convention="metric")


@pytest.mark.parametrize("name", ["d.png", "d.npy", "d.tif"])
@pytest.mark.parametrize("content", [b"", b"nothing that could be read"])
def test_damaged(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=name):
        read_depth(tmp_path / name)


def test_a_pickle_is_not_run(tmp_path: Path) -> None:
    np.save(tmp_path / "d.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_depth(tmp_path / "d.npy")


@pytest.mark.parametrize("name", ["d.png", "owner/d.png", "d.npy", "d.exr", "d.tif"])
def test_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="there is no depth map"):
        estimate_depth(BLANK, [], tmp_path / name)


def test_an_unknown_convention(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="far-white, near-white, metric"):
        read_depth(save(tmp_path, "d.npy"), convention="inverse")


class TestOpenExr:
    @pytest.mark.parametrize("channels", ["Z", "Y", "RGB", "V"])
    def test_channels(self, tmp_path: Path, channels: str) -> None:
        openexr = pytest.importorskip("OpenEXR", reason="the package OpenEXR is not installed")
        path = tmp_path / "d.exr"
        values = {channel: RAMP.copy() for channel in channels}
        header = {"compression": openexr.ZIP_COMPRESSION, "type": openexr.scanlineimage}
        with openexr.File(header, values) as file:
            file.write(str(path))
        np.testing.assert_allclose(read_depth(path), RAMP, atol=1e-6)

    def test_damaged(self, tmp_path: Path) -> None:
        pytest.importorskip("OpenEXR", reason="the package OpenEXR is not installed")
        (tmp_path / "d.exr").write_bytes(b"nothing that could be read")
        with pytest.raises(InvalidInput, match="damaged or no OpenEXR"):
            read_depth(tmp_path / "d.exr")

    def test_without_the_package(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "OpenEXR", None)
        (tmp_path / "d.exr").write_bytes(b"anything")
        with pytest.raises(MissingExtra, match="pip install OpenEXR"):
            read_depth(tmp_path / "d.exr")
