from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageChops, ImageCms

from cartoonedit.errors import InvalidInput
from cartoonedit.images import (
    fit,
    open_grey,
    open_image,
    open_mask,
    open_rgba,
    resize,
    save_image,
)

RED = (255, 0, 0)


def gradient(width: int = 24, height: int = 16) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns * 255 // width, rows * 255 // height, rows * 0 + 90], -1).astype("u1")


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims to be of this size and holds hardly any pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100))


# ---------------------------------------------------------------- forms and kinds


@pytest.mark.parametrize("form", ["str", "Path", "PIL", "array"])
def test_every_form_gives_the_same_pixels(tmp_path: Path, form: str) -> None:
    picture = gradient()
    path = tmp_path / "a.png"
    save_image(path, picture)
    forms = {"str": str(path), "Path": path, "PIL": Image.open(path), "array": picture}
    opened = open_image(forms[form])
    assert opened.dtype == np.uint8 and np.array_equal(opened, picture)
    opened[:] = 0  # it is a copy
    assert picture.any()


def with_palette() -> Image.Image:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putdata([0, 1])
    return image


def saved(image: Image.Image, kind: str, **options: object) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    buffer.seek(0)
    return Image.open(buffer)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.new("L", (2, 1), 77), [[77] * 3] * 2),
        (Image.new("1", (2, 1), 1), [[255] * 3] * 2),
        (Image.new("LA", (2, 1), (0, 51)), [[204] * 3] * 2),
        (Image.new("RGBA", (2, 1), (255, 0, 0, 0)), [[255] * 3] * 2),
        (Image.new("RGBA", (2, 1), (0, 0, 255, 128)), [[127, 127, 255]] * 2),
        (with_palette(), [RED, (0, 255, 0)]),
        (saved(with_palette(), "png", transparency=0), [(255, 255, 255), (0, 255, 0)]),
        (saved(with_palette(), "gif", transparency=1), [RED, (255, 255, 255)]),
        (Image.new("CMYK", (2, 1), (0, 255, 255, 0)), [RED] * 2),
        (Image.fromarray(np.array([[0, 65535]], np.uint16)), [[0] * 3, [255] * 3]),
        (Image.fromarray(np.array([[0, 65535]], np.int32)), [[0] * 3, [255] * 3]),
        (Image.fromarray(np.array([[0, 1]], np.float32)), [[0] * 3, [255] * 3]),
        (Image.new("YCbCr", (2, 1), (255, 128, 128)), [[255] * 3] * 2),
    ],
)
def test_modes(image: Image.Image, expected: list[list[int]]) -> None:
    assert open_image(image).tolist() == [[list(pixel) for pixel in expected]]


def test_16_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    grey = np.arange(0, 65536, 257, dtype=np.uint16).reshape(16, 16)
    save_image(tmp_path / "deep.png", grey)
    assert np.array_equal(open_image(tmp_path / "deep.png")[..., 1].ravel(), np.arange(256))
    assert np.array_equal(np.rint(open_grey(tmp_path / "deep.png") * 65535).astype(int), grey)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation(tmp_path: Path, orientation: int) -> None:
    upright = np.zeros((16, 24, 3), np.uint8)
    upright[:8, :12] = 255  # bright at the top left once it is upright
    turn = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(turn(upright))).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(open_image(tmp_path / "a.png"), upright)


def test_cmyk_jpegs_of_both_kinds(tmp_path: Path) -> None:
    """Adobe writes inverted values and a marker; without the marker they are not inverted."""
    adobe = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    adobe.save(tmp_path / "adobe.jpg", quality=100, subsampling=0)
    ImageChops.invert(adobe).save(tmp_path / "plain.jpg", quality=100, subsampling=0)
    data = (tmp_path / "plain.jpg").read_bytes()
    marker = data.index(b"\xff\xee")
    length = int.from_bytes(data[marker + 2 : marker + 4], "big")
    (tmp_path / "plain.jpg").write_bytes(data[:marker] + data[marker + 2 + length :])
    for name in ("adobe.jpg", "plain.jpg"):
        assert np.abs(open_image(tmp_path / name)[8, 8].astype(int) - RED).max() <= 2, name


def test_only_the_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, (0, 255, 0))]
    for kind in ("gif", "png", "webp"):
        path = tmp_path / f"a.{kind}"
        options = {"lossless": True} if kind == "webp" else {}
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=50, **options)
        assert np.array_equal(open_image(path), np.array(frames[0])), kind


def test_a_colour_profile_is_applied(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # The same colours under another name, with a gamma of 1 in place of 2.4.
    dark = srgb.replace("sRGB".encode("utf-16-be"), "mine".encode("utf-16-be"))
    dark = dark.replace(bytes.fromhex("00026666"), bytes.fromhex("00010000"))
    picture = Image.fromarray(gradient())
    for name, profile in (("srgb", srgb), ("dark", dark), ("broken", b"not a profile")):
        picture.save(tmp_path / f"{name}.png", icc_profile=profile)
    assert np.array_equal(open_image(tmp_path / "srgb.png"), gradient())
    assert np.array_equal(open_image(tmp_path / "broken.png"), gradient())
    assert (open_image(tmp_path / "dark.png") != gradient()).any()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (12000, 200), (1, 3000)])
def test_extreme_sizes(tmp_path: Path, width: int, height: int) -> None:
    save_image(tmp_path / "a.png", np.full((height, width, 3), 9, np.uint8))
    assert open_image(tmp_path / "a.png").shape == (height, width, 3)


# ---------------------------------------------------------------- arrays


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[True, False]]), [255, 0]),
        (np.array([[0.0, 0.5]]), [0, 128]),
        (np.array([[[7], [8]]], np.uint8), [7, 8]),
        (np.array([[0, 65535]], np.uint16), [0, 255]),
        (np.array([[0, 255]], np.int64), [0, 255]),
        (np.array([[[0, 255], [0, 0]]], np.uint8), [0, 255]),  # grey and alpha
        (np.zeros((1, 4, 3), np.uint8)[:, ::2], [0, 0]),  # not contiguous
    ],
)
def test_arrays(array: np.ndarray, expected: list[int]) -> None:
    opened = open_image(array)
    assert opened.dtype == np.uint8 and opened[0, :, 0].tolist() == expected


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 2, 5)), r"got shape \(2, 2, 5\)"),
        (np.zeros((3, 8, 9)), "Move the channels to the end"),
        (np.zeros(4), r"got shape \(4,\)"),
        (np.zeros((0, 4, 3), np.uint8), "has no pixels"),
        (np.array([[0.0, 255.0]]), "from 0 to 255. Scale them"),
        (np.array([[np.nan]]), "float 0..1"),
        (np.array([[-1, 3]]), "got int64 from -1"),
        (np.array([["a"]]), "must be numbers; got an array of <U1"),
    ],
)
def test_arrays_that_are_no_picture(array: np.ndarray, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        open_image(array)


def test_other_types_are_refused() -> None:
    with pytest.raises(InvalidInput, match="got bytes"):
        open_image(b"abc")  # type: ignore[arg-type]


# ---------------------------------------------------------------- bad files

BAD_FILES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "text": (lambda png: b"hello, world", "not a picture"),
    "empty": (lambda png: b"", "empty"),
    "header only": (lambda png: png[:20], "not a picture|damaged"),
    "cut short": (lambda png: png[: len(png) // 2], "damaged or cut short"),
    "wrong bytes": (lambda png: png[:60] + bytes(40) + png[100:], "damaged"),
    "bomb": (lambda png: png_header(60000, 60000), "60000x60000 = 3,600,000,000 pixels; at most"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_files_give_one_sentence(tmp_path: Path, kind: str) -> None:
    save_image(tmp_path / "good.png", np.random.default_rng(0).integers(0, 255, (40, 40, 3), "u1"))
    spoil, message = BAD_FILES[kind]
    path = tmp_path / "bad.png"
    path.write_bytes(spoil((tmp_path / "good.png").read_bytes()))
    with pytest.raises(InvalidInput, match=message) as caught:
        open_image(path)
    assert "bad.png" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [("", "is a folder"), ("missing.png", "no picture at"), ("https://a.b/c.png", "Download it")],
)
def test_paths_that_are_no_file(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        open_image(name if "://" in name else tmp_path / name)


def test_the_size_limit_can_be_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_image(tmp_path / "a.png", gradient(30, 20))
    with pytest.raises(InvalidInput, match=r"at most 500 are allowed.*CARTOONEDIT_MAX_PIXELS"):
        open_image(tmp_path / "a.png", max_pixels=500)
    monkeypatch.setenv("CARTOONEDIT_MAX_PIXELS", "500")
    with pytest.raises(InvalidInput, match="at most 500"):
        open_image(gradient(30, 20))
    monkeypatch.setenv("CARTOONEDIT_MAX_PIXELS", "1_000")
    assert open_image(tmp_path / "a.png").shape == (20, 30, 3)
    monkeypatch.setenv("CARTOONEDIT_MAX_PIXELS", "many")
    with pytest.raises(InvalidInput, match="whole number"):
        open_image(tmp_path / "a.png")


def test_pillows_own_limit_is_left_alone(tmp_path: Path) -> None:
    before = Image.MAX_IMAGE_PIXELS
    save_image(tmp_path / "a.png", gradient())
    open_image(tmp_path / "a.png")
    assert before == Image.MAX_IMAGE_PIXELS


# ---------------------------------------------------------------- masks


def on_transparency(colour: tuple[int, int, int], outside: tuple[int, ...]) -> np.ndarray:
    picture = np.zeros((4, 4, 4), np.uint8)
    picture[:] = outside
    picture[:, :2] = (*colour, 255)
    return picture


HALF = np.repeat([[255, 255, 0, 0]], 4, axis=0).astype(np.uint8)


@pytest.mark.parametrize(
    "mask",
    [
        HALF,
        HALF > 0,
        (HALF > 0).astype(np.uint8),  # labels 0 and 1
        HALF.astype(np.uint16) * 257,
        HALF / 255.0,
        np.dstack([HALF] * 3),
        np.dstack([HALF, HALF, HALF, np.full_like(HALF, 255)]),  # opaque: luminance
        on_transparency((200, 30, 60), (0, 0, 0, 0)),  # a cut-out: alpha
        on_transparency((0, 0, 0), (0, 0, 0, 0)),  # a black silhouette: alpha
        on_transparency((255, 255, 255), (255, 255, 255, 0)),  # white all over: alpha
        Image.fromarray(HALF).convert("1"),
        Image.fromarray(HALF).convert("P"),
        Image.fromarray(HALF).convert("LA"),
    ],
)
def test_masks_of_every_kind(mask: np.ndarray | Image.Image) -> None:
    opened = open_mask(mask)
    assert opened.dtype == np.uint8 and np.array_equal(opened, HALF)


def test_a_mask_in_which_somebody_used_the_eraser() -> None:
    painted = np.dstack([HALF, HALF, HALF, np.full_like(HALF, 255)])
    painted[0, :] = 0  # erased: black and transparent
    expected = HALF.copy()
    expected[0] = 0
    assert np.array_equal(open_mask(painted), expected)


def test_transparency_is_kept_or_opaque() -> None:
    clear = np.array([[[9, 8, 7, 0], [1, 2, 3, 128]]], np.uint8)
    assert np.array_equal(open_rgba(clear), clear)
    assert open_rgba(clear[..., :3])[0, 1].tolist() == [1, 2, 3, 255]
    assert open_rgba(Image.new("LA", (1, 1), (5, 6)))[0, 0].tolist() == [5, 5, 5, 6]
    assert open_rgba(np.full((2, 2), 0.2))[0, 0].tolist() == [51, 51, 51, 255]
    indexed = Image.fromarray(clear).convert("P")
    indexed.info["transparency"] = 0
    assert open_rgba(indexed).shape == (1, 2, 4)


def test_masks_of_another_size(caplog: pytest.LogCaptureFixture) -> None:
    assert open_mask(HALF, (8, 8)).shape == (8, 8)
    assert "resized from 4x4 to 8x8" in caplog.text
    assert fit(np.zeros((33, 50), np.uint8), (101, 67), "it").shape == (67, 101)  # rounded sides
    with pytest.raises(InvalidInput, match="4x4 pixels, but its picture is 8x4"):
        open_mask(HALF, (8, 4))


# ---------------------------------------------------------------- writing and resizing


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_lossless_round_trip(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    side = st.integers(1, 9)
    channels = data.draw(st.sampled_from([(), (3,), (4,)]))
    shape = (data.draw(side), data.draw(side), *channels)
    array = data.draw(hnp.arrays(np.uint8, shape))
    path = tmp_path_factory.mktemp("round") / f"a{data.draw(st.sampled_from(['.png', '.tif']))}"
    save_image(path, array)
    with Image.open(path) as image:
        assert np.array_equal(np.array(image), array)
    if len(shape) == 3 and shape[2] == 3:
        assert np.array_equal(open_image(path), array)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("a.xyz", np.zeros((2, 2), np.uint8), "the ending must be one of"),
        ("a", np.zeros((2, 2), np.uint8), "the ending must be one of"),
        ("a.jpg", np.zeros((2, 2, 4), np.uint8), "cannot hold transparency"),
        ("a.jpg", np.zeros((2, 2), np.uint16), "cannot hold 16 bits"),
        ("a.png", np.zeros((2, 2), np.float32), "got float32"),
        ("a.png", np.zeros((0, 2), np.uint8), "got uint8"),
    ],
)
def test_what_cannot_be_written(tmp_path: Path, name: str, array: np.ndarray, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        save_image(tmp_path / name, array)
    assert not list(tmp_path.iterdir())


def test_notes_in_a_png(tmp_path: Path) -> None:
    save_image(tmp_path / "a.png", gradient(), text={"Comment": "närmast = 0"})
    assert Image.open(tmp_path / "a.png").text["Comment"] == "närmast = 0"


@pytest.mark.parametrize("array", [gradient(), gradient()[..., 0], np.eye(16, dtype=np.float32)])
def test_resize(array: np.ndarray) -> None:
    smaller = resize(array, (5, 3))
    assert smaller.shape == (3, 5, *array.shape[2:]) and smaller.dtype == array.dtype
    assert smaller.min() >= array.min() and smaller.max() <= array.max()
    same = resize(array, (array.shape[1], array.shape[0]))
    assert np.array_equal(same, array) and same is not array
    with pytest.raises(InvalidInput):
        resize(array, (0, 5))
