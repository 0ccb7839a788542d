"""Layered files: PSD for Photoshop and Clip Studio, OpenRaster for Krita and GIMP.

Both hold the same stack, from the bottom: ``plate``; ``plate edges``, what is left of the picture
around the characters; and for each character, farthest first, a group of its cut-out and, hidden,
its mask. The stack shows the picture again to within one level, and each cut-out is free of the old
background. Hide ``plate edges`` when moving a character. :func:`write_psd` and :func:`write_ora`
write any other stack.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cartoonedit.depth import pool_depth
from cartoonedit.errors import InvalidInput
from cartoonedit.files import atomic_path
from cartoonedit.instance import Instance
from cartoonedit.matte import unmix

if TYPE_CHECKING:
    from psd_tools import PSDImage
    from psd_tools.api.layers import Layer

    from cartoonedit.scene import Scene

__all__ = ["Group", "Sheet", "back_to_front", "save_ora", "save_psd", "write_ora", "write_psd"]

_PSD_MAX_SIDE = 30_000  # of the format; PSB, its large sibling, is read by few programs
_THUMBNAIL = (256, 256)


@dataclass(frozen=True)
class Sheet:
    """One layer of pixels: RGBA ``uint8``, not premultiplied, cropped, and where it lies."""

    name: str
    pixels: NDArray[np.uint8]
    left: int = 0
    top: int = 0
    visible: bool = True


@dataclass(frozen=True)
class Group:
    """A named folder of layers, the lowest first."""

    name: str
    sheets: tuple[Sheet, ...]


def back_to_front(scene: Scene) -> list[Instance]:
    """The instances from the farthest to the nearest.

    By depth, where every instance has one of its own or the scene has a depth map; otherwise by the
    lower edge, since what stands lower in a picture stands nearer.
    """

    def depth_of(instance: Instance) -> float | None:
        if instance.depth is None and scene.has("depth"):
            return pool_depth(scene.depth, instance.mask)
        return instance.depth

    depths = {instance.name: depth_of(instance) for instance in scene}
    known = {name: depth for name, depth in depths.items() if depth is not None}
    if len(known) == len(depths):
        return sorted(scene, key=lambda instance: -known[instance.name])
    return sorted(scene, key=lambda instance: instance.bounds_xyxy[3])


def save_psd(scene: Scene, path: str | Path) -> Path:
    """Write ``scene`` as a layered Photoshop file; see the head of this module for its layers.

    Raises:
        InvalidInput: A side is longer than the 30,000 pixels which the format allows.
    """
    _check_psd_size(scene.picture)
    return write_psd(_stack(scene), scene.picture, path)


def save_ora(scene: Scene, path: str | Path) -> Path:
    """Write ``scene`` as OpenRaster; see the head of this module for its layers.

    Equal scenes give equal bytes.
    """
    return write_ora(_stack(scene), scene.picture, path)


def write_psd(stack: Sequence[Sheet | Group], picture: NDArray[np.uint8], path: str | Path) -> Path:
    """Write layers as a Photoshop file.

    The document is plain RGB, as Photoshop itself writes it: transparency belongs to the layers, in
    their own alpha channels, and there is no fourth document channel, which Clip Studio would show
    as a stray selection.

    Args:
        stack: The layers, the lowest first.
        picture: RGB ``uint8`` ``(H, W, 3)``, the merged preview; its size is the document's.
        path: The file.

    Raises:
        InvalidInput: A side is longer than the 30,000 pixels which the format allows.
    """
    from psd_tools import PSDImage

    path = Path(path)
    _check_psd_size(picture)
    document = PSDImage.new("RGBA", (picture.shape[1], picture.shape[0]))
    for item in stack:
        if isinstance(item, Group):
            layers = [_add_psd_layer(document, sheet) for sheet in item.sheets]
            document.create_group(layer_list=layers, open_folder=False).name = item.name
        else:
            _add_psd_layer(document, item)
    # psd-tools keeps alpha in the layers only in a document of four channels, and its save() would
    # blend the preview anew. So the finished record gets its three channels and preview here.
    record = document._record
    record.header.channels = 3
    planes = [np.ascontiguousarray(picture[..., channel]).tobytes() for channel in range(3)]
    record.image_data.set_data(planes, record.header)
    with atomic_path(path) as partial, partial.open("wb") as file:
        record.write(file)
    return path


def write_ora(stack: Sequence[Sheet | Group], picture: NDArray[np.uint8], path: str | Path) -> Path:
    """Write layers as OpenRaster; the arguments are those of :func:`write_psd`.

    Follows https://www.openraster.org/baseline/file-layout-spec.html.
    """
    path = Path(path)
    height, width = picture.shape[:2]
    root = ElementTree.Element("image", version="0.0.3", w=str(width), h=str(height))
    top = ElementTree.SubElement(root, "stack")
    files: dict[str, bytes] = {}
    for item in reversed(stack):  # OpenRaster names the topmost layer first
        if isinstance(item, Group):
            group = ElementTree.SubElement(top, "stack", name=item.name, opacity="1.0")
            for sheet in reversed(item.sheets):
                _add_ora_layer(group, sheet, files)
        else:
            _add_ora_layer(top, item, files)
    ElementTree.indent(root)
    thumbnail = Image.fromarray(picture)
    thumbnail.thumbnail(_THUMBNAIL)
    with atomic_path(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        # The type comes first and not compressed, so that it can be read at a fixed place.
        _add(archive, "mimetype", b"image/openraster", zipfile.ZIP_STORED)
        stack_xml = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
        _add(archive, "stack.xml", stack_xml, zipfile.ZIP_DEFLATED)
        for name, content in files.items():
            _add(archive, name, content, zipfile.ZIP_STORED)
        _add(archive, "mergedimage.png", _png(picture), zipfile.ZIP_STORED)
        _add(archive, "Thumbnails/thumbnail.png", _png(np.array(thumbnail)), zipfile.ZIP_STORED)
    return path


def _check_psd_size(picture: NDArray[np.uint8]) -> None:
    height, width = picture.shape[:2]
    if max(width, height) > _PSD_MAX_SIDE:
        raise InvalidInput(
            f"a PSD may have at most {_PSD_MAX_SIDE} pixels a side; this picture is"
            f" {width}x{height}. Write OpenRaster (.ora) instead."
        )


def _stack(scene: Scene) -> list[Sheet | Group]:
    """All layers, the lowest first."""
    order = back_to_front(scene)
    colours, difference = unmix(scene.picture, scene.plate, [instance.mask for instance in order])
    opaque = np.full(scene.picture.shape[:2], 255, np.uint8)
    stack: list[Sheet | Group] = [Sheet("plate", np.dstack([scene.plate, opaque]))]
    rows, columns = np.nonzero(difference[..., 3])
    if rows.size:
        top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
        stack.append(Sheet("plate edges", difference[top:bottom, left:right], int(left), int(top)))
    for instance, rgb in zip(order, colours, strict=True):
        x1, y1, x2, y2 = instance.bounds_xyxy
        alpha = instance.mask[y1:y2, x1:x2]
        grey = np.dstack([alpha, alpha, alpha, np.full_like(alpha, 255)])
        cutout = Sheet(instance.name, np.dstack([rgb * (alpha > 0)[..., None], alpha]), x1, y1)
        mask = Sheet(f"{instance.name} mask", grey, x1, y1, visible=False)
        stack.append(Group(instance.name, (cutout, mask)))
    return stack


def _add_psd_layer(document: PSDImage, sheet: Sheet) -> Layer:
    layer = document.create_pixel_layer(
        Image.fromarray(sheet.pixels), top=sheet.top, left=sheet.left
    )
    layer.name = sheet.name  # as an argument above it may only have letters of the Mac Roman set
    layer.visible = sheet.visible
    return layer


def _add_ora_layer(parent: ElementTree.Element, sheet: Sheet, files: dict[str, bytes]) -> None:
    """Add ``sheet`` below the layers that ``parent`` has, and its pixels to ``files``."""
    source = f"data/layer{len(files):03d}.png"
    files[source] = _png(sheet.pixels)
    attributes = {
        "name": sheet.name,
        "src": source,
        "x": str(sheet.left),
        "y": str(sheet.top),
        "opacity": "1.0",
        "visibility": "visible" if sheet.visible else "hidden",
        "composite-op": "svg:src-over",
    }
    ElementTree.SubElement(parent, "layer", attributes)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "png", compress_level=4)
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes, method: int) -> None:
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = method
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)
