"""Pictures in and out: every form and file kind becomes one array, RGB ``uint8`` ``(H, W, 3)``.

All reading goes through Pillow, so no BGR array exists anywhere. Whatever is wrong with a file, the
outcome is one :class:`~cartoonedit.errors.InvalidInput` that says what it is and what to do.
"""

from __future__ import annotations

import io
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageCms, ImageOps, PngImagePlugin

from cartoonedit.errors import InvalidInput
from cartoonedit.files import atomic_path

__all__ = [
    "MAX_PIXELS",
    "WRITABLE_SUFFIXES",
    "Picture",
    "fit",
    "open_grey",
    "open_image",
    "open_mask",
    "open_rgba",
    "resize",
    "save_image",
]

logger = logging.getLogger(__name__)

Picture = str | Path | Image.Image | np.ndarray
"""What every function that opens a picture takes."""

MAX_PIXELS = 150_000_000
"""Pictures with more pixels are refused: a small file can unpack into more than the memory holds.
``max_pixels=`` or the environment variable ``CARTOONEDIT_MAX_PIXELS`` raises it."""

WRITABLE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"})
"""Endings that :func:`save_image` writes."""

_OPAQUE_ONLY = {".jpg", ".jpeg", ".bmp"}
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    ".png": {"compress_level": 4},  # twice as fast as the default 6, files a few percent larger
    ".jpg": {"quality": 95, "subsampling": 0},
    ".jpeg": {"quality": 95, "subsampling": 0},
    ".webp": {"quality": 95, "exact": True},  # keep the colours below full transparency
    ".tif": {"compression": "tiff_deflate"},
    ".tiff": {"compression": "tiff_deflate"},
}
_open_lock = threading.Lock()

Values = TypeVar("Values", bound=np.generic)


def open_image(picture: Picture, *, max_pixels: int | None = None) -> NDArray[np.uint8]:
    """Open a picture of any form as RGB.

    Files and Pillow images are turned upright by their EXIF tag. Transparency is put over white.
    Grey, palette, 1-bit, 16-bit (scaled, not clipped) and CMYK pictures become 8-bit RGB; an
    embedded colour profile other than sRGB is applied. Of an animation the first frame is taken.
    Arrays may be ``(H, W)``, or ``(H, W, C)`` with C = 1 (grey), 2 (grey, alpha), 3 (RGB) or 4
    (RGBA), of ``uint8``, ``uint16`` (0..65535), ``bool`` or float in 0..1.

    Args:
        picture: A path, a Pillow image or an array.
        max_pixels: The most pixels allowed; None takes ``CARTOONEDIT_MAX_PIXELS`` or
            :data:`MAX_PIXELS`.

    Returns:
        ``uint8`` RGB of shape ``(H, W, 3)``, a new array.

    Raises:
        InvalidInput: The file is missing, empty, damaged, too large or no picture, or the array has
            another shape, dtype or range.
    """
    values = _to_uint8(_read(picture, max_pixels))
    if values.ndim == 2:
        return np.repeat(values[..., None], 3, axis=2)
    return np.array(values) if values.shape[2] == 3 else _over_white(values)


def open_rgba(picture: Picture, *, max_pixels: int | None = None) -> NDArray[np.uint8]:
    """Open a picture with its transparency; one that has none is opaque.

    Args:
        picture: What :func:`open_image` takes, in any of its forms.
        max_pixels: As of :func:`open_image`.

    Returns:
        ``uint8`` RGBA ``(H, W, 4)``, colours not premultiplied.

    Raises:
        InvalidInput: As :func:`open_image`.
    """
    values = _to_uint8(_read(picture, max_pixels))
    if values.ndim == 2:
        values = np.repeat(values[..., None], 3, axis=2)
    if values.shape[2] == 4:
        return np.ascontiguousarray(values)
    return np.dstack((values, np.full(values.shape[:2], 255, np.uint8)))


def open_mask(picture: Picture, size_wh: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """Open a mask of any form: a grey picture, a cut-out with transparency, an array of 0 and 1.

    A picture with transparency gives its alpha. The exception is a black and white mask in which
    somebody used the eraser: there alpha times luminance is what the person sees.

    Args:
        picture: What :func:`open_image` takes.
        size_wh: The size the mask must have. A mask of the same aspect ratio but another size is
            resized with a warning in the log.

    Returns:
        ``uint8`` alpha ``(H, W)``, 0 = outside, 255 = inside.

    Raises:
        InvalidInput: It cannot be read, or its aspect ratio differs from ``size_wh``.
    """
    mask = _mask_values(_to_uint8(_read(picture, None)))
    if mask.max() == 1:  # a label picture; as alpha, 1 of 255 would be nothing
        mask = mask * np.uint8(255)
    return mask if size_wh is None else fit(mask, size_wh, f"the mask {_name(picture)}")


def fit(image: NDArray[Values], size_wh: tuple[int, int], name: str) -> NDArray[Values]:
    """Give ``image`` the size of the picture that it belongs to.

    Args:
        image: What :func:`resize` takes.
        size_wh: The size it must have. One of the same proportions is resized, with a warning in
            the log; a person may have reduced it in a paint program.
        name: What to call it in messages.

    Raises:
        InvalidInput: Its proportions are others.
    """
    (height, width), (want_w, want_h) = image.shape[:2], size_wh
    if (width, height) == size_wh:
        return image
    # Each side of a resized picture is rounded to whole pixels, so compare within one pixel.
    if abs(width * want_h - height * want_w) > max(want_w, want_h, width, height):
        raise InvalidInput(
            f"{name} is {width}x{height} pixels, but its picture is {want_w}x{want_h}."
            " Save it in the size of the picture, or at least in the same proportions."
        )
    logger.warning("%s: resized from %dx%d to %dx%d", name, width, height, want_w, want_h)
    return resize(image, size_wh)


def open_grey(picture: Picture) -> NDArray[np.float32]:
    """Open a grey picture, such as a depth map, with all of its 8, 16 or 32 bits as 0..1.

    Returns:
        ``float32`` ``(H, W)`` in 0..1. Colour pictures give their luminance.

    Raises:
        InvalidInput: As :func:`open_image`.
    """
    values = _read(picture, None)
    if values.ndim == 3:
        values = _luminance(_to_uint8(values)[..., :3])
    scale = {"uint8": 255.0, "uint16": 65535.0}.get(values.dtype.name, 1.0)
    return values.astype(np.float32) / np.float32(scale)


def save_image(
    path: str | Path, array: NDArray[np.generic], *, text: Mapping[str, str] | None = None
) -> None:
    """Write a picture in the format of the name's ending; nothing half-written ever appears.

    Args:
        path: ``.png``, ``.jpg``, ``.jpeg``, ``.webp``, ``.tif``, ``.tiff`` or ``.bmp``.
        array: ``uint8`` grey ``(H, W)``, RGB ``(H, W, 3)`` or RGBA ``(H, W, 4)``, or ``uint16``
            grey ``(H, W)`` (PNG and TIFF).
        text: Notes stored in a PNG, by keyword.

    Raises:
        InvalidInput: The ending is unknown, or the format cannot hold such an array.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in WRITABLE_SUFFIXES:
        known = ", ".join(sorted(WRITABLE_SUFFIXES))
        raise InvalidInput(f"cannot write {path.name!r}: the ending must be one of {known}.")
    deep = array.dtype == np.uint16 and array.ndim == 2
    shaped = array.dtype == np.uint8 and (
        array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    )
    if not (deep or shaped) or array.size == 0:
        raise InvalidInput(
            "a picture to save must be uint8 (H, W), (H, W, 3) or (H, W, 4), or uint16 (H, W);"
            f" got {array.dtype} {array.shape}."
        )
    if deep and suffix not in (".png", ".tif", ".tiff"):
        raise InvalidInput(
            f"{suffix} cannot hold 16 bits a pixel; save {path.stem!r} as .png or .tif."
        )
    if array.ndim == 3 and array.shape[2] == 4 and suffix in _OPAQUE_ONLY:
        raise InvalidInput(
            f"{suffix} cannot hold transparency; save {path.stem!r} as .png or .webp."
        )
    options = dict(_SAVE_OPTIONS.get(suffix, {}))
    if text and suffix == ".png":
        info = PngImagePlugin.PngInfo()
        for keyword, value in text.items():
            info.add_itxt(keyword, value)
        options["pnginfo"] = info
    with atomic_path(path) as partial:
        Image.fromarray(np.ascontiguousarray(array)).save(partial, **options)


def resize(image: NDArray[Values], size_wh: tuple[int, int]) -> NDArray[Values]:
    """Resize a picture, ``uint8`` grey, RGB or RGBA, or a map, ``float32`` ``(H, W)``.

    The Lanczos filter widens when shrinking, so nothing aliases; RGBA is filtered with
    premultiplied colours.

    Raises:
        InvalidInput: A side of ``size_wh`` is smaller than 1.
    """
    if min(size_wh) < 1:
        raise InvalidInput(f"a picture needs at least 1x1 pixels; got size_wh={size_wh}.")
    if image.shape[:2] == (size_wh[1], size_wh[0]):
        return image.copy()
    source = Image.fromarray(np.ascontiguousarray(image))
    result = np.array(source.resize(size_wh, Image.Resampling.LANCZOS))
    # Lanczos overshoots at edges. Pillow clips whole numbers, but not floats.
    if result.dtype.kind == "f":
        np.clip(result, image.min(), image.max(), out=result)
    return result


# ---------------------------------------------------------------- reading, step by step


def _read(picture: Picture, max_pixels: int | None) -> NDArray[Any]:
    """The pixels as stored: grey ``(H, W)``, RGB or RGBA; ``uint8``, ``uint16`` or float 0..1."""
    limit = _pixel_limit() if max_pixels is None else max_pixels
    if isinstance(picture, np.ndarray):
        return _check_array(picture, limit)
    if isinstance(picture, Image.Image):
        return _decode(picture, "the Pillow image", limit)
    if not isinstance(picture, str | Path):
        raise InvalidInput(
            "a picture must be a path, a Pillow image or a numpy array; got"
            f" {type(picture).__name__}."
        )
    path = Path(picture).expanduser()
    if path.is_dir():
        raise InvalidInput(f"{path} is a folder. Name a picture inside it.")
    if not path.is_file():
        hint = " Download it first." if "://" in str(picture) else " Check the name and the folder."
        raise InvalidInput(f"there is no picture at {str(picture)!r}.{hint}")
    if path.stat().st_size == 0:
        raise InvalidInput(
            f"{path} is empty (0 bytes); it was probably not copied or downloaded completely."
        )
    with _open_file(path) as image:
        return _decode(image, str(path), limit)


def _pixel_limit() -> int:
    wish = os.environ.get("CARTOONEDIT_MAX_PIXELS", "").replace("_", "")
    if wish and not wish.isdigit():
        raise InvalidInput(
            f"CARTOONEDIT_MAX_PIXELS must be a whole number of pixels; got {wish!r}."
        )
    return int(wish) if wish else MAX_PIXELS


@contextmanager
def _open_file(path: Path) -> Iterator[Image.Image]:
    """Open without Pillow's size check; :func:`_check_size` follows before anything is decoded."""
    try:
        with _open_lock:
            before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            try:
                image = Image.open(path)
            finally:
                Image.MAX_IMAGE_PIXELS = before
    except PermissionError as error:
        raise InvalidInput(
            f"{path} may not be read: {error.strerror}. Change its permissions."
        ) from error
    except Exception as error:  # decoders raise nearly anything on a damaged header
        raise InvalidInput(
            f"{path} is not a picture that can be read, or is damaged at its start."
            " Known kinds: PNG, JPEG, WebP, GIF, TIFF, BMP, AVIF and others that Pillow reads."
        ) from error
    with image:
        yield image


def _check_size(width: int, height: int, name: str, limit: int) -> None:
    if width < 1 or height < 1:
        raise InvalidInput(f"{name} has no pixels ({width}x{height}).")
    if width * height > limit:
        raise InvalidInput(
            f"{name} has {width}x{height} = {width * height:,} pixels; at most {limit:,} are"
            " allowed. Reduce it, or, if you trust it, raise the limit with the environment"
            " variable CARTOONEDIT_MAX_PIXELS or with max_pixels=."
        )


def _decode(image: Image.Image, name: str, limit: int) -> NDArray[Any]:
    _check_size(*image.size, name, limit)
    try:
        image.load()
        from_jpeg = image.format == "JPEG"  # a turned copy does not know it
        image = _to_srgb(_upright(image), from_jpeg)
        if image.mode.startswith("I;16"):
            return np.array(image).astype(np.uint16)
        if image.mode == "I":  # 16 bits that some formats deliver in 32
            return np.clip(np.array(image), 0, 65535).astype(np.uint16)
        if image.mode == "F":
            return _check_array(np.array(image), limit)
        if image.mode in ("1", "L") and not image.has_transparency_data:
            return np.array(image.convert("L"))
        return np.array(image.convert("RGBA" if image.has_transparency_data else "RGB"))
    except (InvalidInput, MemoryError):
        raise
    except Exception as error:  # as above: OSError, SyntaxError, struct.error, ...
        raise InvalidInput(
            f"{name} is damaged or cut short: {error}. Copy or download it again, or save it anew"
            " in a paint program."
        ) from error


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception as error:  # a broken EXIF block says nothing about the pixels
        logger.warning("the EXIF data cannot be read, the picture is not turned: %s", error)
        return image


def _to_srgb(image: Image.Image, from_jpeg: bool) -> Image.Image:
    """Bring CMYK and pictures with a colour profile to sRGB."""
    profile = image.info.get("icc_profile")
    if image.mode == "CMYK" and from_jpeg and "adobe" not in image.info:
        # Pillow takes every CMYK JPEG for Adobe's inverted kind; one without Adobe's marker is not.
        image = ImageChops.invert(image)
    if not profile or image.mode not in ("RGB", "RGBA", "CMYK"):
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return image
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        turned = ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode=mode
        )
        return turned or image
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        logger.warning("the colour profile cannot be used and is ignored: %s", error)
        return image


def _check_array(values: NDArray[Any], limit: int) -> NDArray[Any]:
    """Bring an array of any documented form to the few that :func:`_read` returns."""
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] not in (2, 3, 4)):
        channels_first = values.ndim == 3 and values.shape[0] in (1, 3, 4)
        hint = " Move the channels to the end." if channels_first else ""
        raise InvalidInput(
            "a picture array must be (H, W), (H, W, 3) RGB or (H, W, 4) RGBA; got shape"
            f" {values.shape}.{hint}"
        )
    _check_size(values.shape[1], values.shape[0], "the array", limit)
    if values.ndim == 3 and values.shape[2] == 2:  # grey and alpha
        values = values[..., [0, 0, 0, 1]]
    if values.dtype == np.bool_:
        return values * np.uint8(255)
    if values.dtype in (np.uint8, np.uint16):
        return values
    if values.dtype.kind not in "iuf":
        raise InvalidInput(f"picture values must be numbers; got an array of {values.dtype}.")
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind == "f" and low >= -1e-3 and high <= 1 + 1e-3:  # NaN fails this, too
        return np.clip(values, 0, 1).astype(np.float32)
    if values.dtype.kind in "iu" and low >= 0 and high <= 255:
        return values.astype(np.uint8)
    raise InvalidInput(
        "picture values must be uint8 0..255, uint16 0..65535, bool, or float 0..1;"
        f" got {values.dtype} from {low:g} to {high:g}. Scale them first."
    )


def _to_uint8(values: NDArray[Any]) -> NDArray[np.uint8]:
    if values.dtype == np.uint16:  # 65535 = 255 * 257, so this maps white to white, rounded
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if values.dtype.kind == "f":
        return np.rint(values * np.float32(255)).astype(np.uint8)
    return values.astype(np.uint8, copy=False)


def _over_white(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    alpha = rgba[..., 3:].astype(np.uint16)
    return ((rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _luminance(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.array(Image.fromarray(np.ascontiguousarray(rgb)).convert("L"))


def _mask_values(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if values.ndim == 2:
        return np.array(values)
    light = _luminance(values[..., :3])
    if values.shape[2] == 3 or bool((values[..., 3] == 255).all()):
        return light
    alpha = values[..., 3]
    seen = light[alpha > 0]
    white = np.count_nonzero(seen == 255)
    if white and white + np.count_nonzero(seen == 0) >= 0.95 * seen.size:
        product = (light.astype(np.uint16) * alpha + 127) // 255
        return product.astype(np.uint8)
    return np.array(alpha)


def _name(picture: Picture) -> str:
    return str(picture) if isinstance(picture, str | Path) else type(picture).__name__
