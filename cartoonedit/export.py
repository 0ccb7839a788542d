"""A Scene in the forms that other programs read: COCO, cut-outs, an index map, supervision.

The layered files, PSD and OpenRaster, are made in :mod:`cartoonedit.layered`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput, MissingExtra
from cartoonedit.files import atomic_folder, write_json
from cartoonedit.images import save_image
from cartoonedit.instance import Instance, check_name
from cartoonedit.layered import back_to_front, save_ora, save_psd
from cartoonedit.overlay import overlay
from cartoonedit.scene import Scene

if TYPE_CHECKING:
    import supervision

__all__ = [
    "CATEGORY",
    "coco",
    "index_map",
    "overlay",
    "rle",
    "save_cutouts",
    "save_ora",
    "save_psd",
    "to_supervision",
]

CATEGORY = {"id": 1, "name": "character", "supercategory": ""}
_CUTOUTS_MANIFEST = "manifest.json"


def coco(scenes: Sequence[Scene], file_names: Sequence[str]) -> dict[str, Any]:
    """Describe scenes as one COCO instance segmentation file, ready for ``json.dump``.

    Images and annotations are numbered from 1. Each annotation has, beside COCO's own keys, the
    ``score``, which makes the list of annotations a COCO results list as well, and the ``name``.
    ``bbox`` is the detector's box, or the tight box of the mask, clipped to the picture.

    Args:
        scenes: One for each picture.
        file_names: The file name of each picture, as ``images`` is to say it.

    Raises:
        InvalidInput: The two lists differ in length.
    """
    if len(scenes) != len(file_names):
        raise InvalidInput(
            f"each scene needs one file name; got {len(scenes)} scenes and {len(file_names)} names."
        )
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, (scene, file_name) in enumerate(zip(scenes, file_names, strict=True), start=1):
        width, height = scene.size_wh
        images.append(
            {"id": image_id, "file_name": str(file_name), "width": width, "height": height}
        )
        for instance in scene:
            annotation = _annotation(instance, scene.size_wh)
            annotations.append({"id": len(annotations) + 1, "image_id": image_id, **annotation})
    return {
        "info": {"description": "made with cartoonedit", "version": "1.0"},
        "licenses": [],
        "images": images,
        "categories": [dict(CATEGORY)],
        "annotations": annotations,
    }


def _annotation(instance: Instance, size_wh: tuple[int, int]) -> dict[str, Any]:
    x1, y1, x2, y2 = instance.box_xyxy or instance.bounds_xyxy
    x1, x2 = (min(max(float(x), 0.0), float(size_wh[0])) for x in (x1, x2))
    y1, y2 = (min(max(float(y), 0.0), float(size_wh[1])) for y in (y1, y2))
    return {
        "category_id": CATEGORY["id"],
        "segmentation": rle(instance.mask),
        "bbox": [round(value, 2) for value in (x1, y1, x2 - x1, y2 - y1)],
        "area": instance.area,
        "iscrowd": 0,
        "score": round(instance.score, 6),
        "name": instance.name,
    }


def rle(mask: NDArray[np.uint8]) -> dict[str, Any]:
    """COCO's compressed run lengths of a mask, ``{"size": [H, W], "counts": str}``.

    Inside is where alpha is at least 128.
    """
    from pycocotools import mask as coco_mask

    encoded = coco_mask.encode(np.asfortranarray(mask >= 128).astype(np.uint8, order="F"))
    return {
        "size": [int(side) for side in encoded["size"]],
        "counts": encoded["counts"].decode("ascii"),
    }


def save_cutouts(scene: Scene, folder: str | Path, *, full_size: bool = False) -> list[Path]:
    """Write each instance as an RGBA PNG, and a ``manifest.json``.

    Soft edges are free of the old background. The manifest gives for each file its name,
    ``offset_xy`` in the picture, size, score, tags, and depth (0 = nearest) where it is known;
    instances come in it from the back to the front.

    Args:
        scene: The scene.
        folder: Made if missing. Cut-outs written there before are replaced; other files stay.
        full_size: Make every file as large as the picture instead of cropping it.

    Returns:
        The PNG files, left to right.
    """
    folder = Path(folder)
    entries: dict[str, dict[str, Any]] = {}
    with atomic_folder(folder, stale=_earlier_cutouts(folder)) as partial:
        for instance in scene:
            pixels, offset_xy = scene.cutout(instance), (0, 0)
            if not full_size:
                x1, y1, x2, y2 = instance.bounds_xyxy
                pixels, offset_xy = pixels[y1:y2, x1:x2], (x1, y1)
            save_image(partial / f"{instance.name}.png", pixels)
            entries[instance.name] = {
                "name": instance.name,
                "file": f"{instance.name}.png",
                "offset_xy": offset_xy,
                "size_wh": (pixels.shape[1], pixels.shape[0]),
                "score": instance.score,
                "depth": instance.depth,
                "tags": [asdict(tag) for tag in instance.tags],
            }
        manifest = {
            "source": scene.source,
            "size_wh": scene.size_wh,
            "cutouts": [entries[instance.name] for instance in back_to_front(scene)],
        }
        write_json(partial / _CUTOUTS_MANIFEST, manifest, indent=2)
    return [folder / f"{instance.name}.png" for instance in scene]


def _earlier_cutouts(folder: Path) -> list[str]:
    try:
        manifest = json.loads((folder / _CUTOUTS_MANIFEST).read_text(encoding="utf-8"))
        return [f"{check_name(entry['name'])}.png" for entry in manifest["cutouts"]]
    # None there, or not one of ours: then there is nothing to replace.
    except (OSError, ValueError, TypeError, KeyError):
        return []


def index_map(scene: Scene) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Which instance owns each pixel: 0 is background, ``i + 1`` is ``scene[i]``.

    A pixel belongs to the instance with the largest alpha of at least 128 there, and of equals to
    the nearer one.

    Returns:
        ``(H, W)``, ``uint8`` for up to 255 instances, else ``uint16``.
    """
    shape = scene.picture.shape[:2]
    owners = np.zeros(shape, np.uint8 if len(scene) < 256 else np.uint16)
    strongest = np.full(shape, 128, np.uint8)
    number = {instance.name: index + 1 for index, instance in enumerate(scene)}
    for instance in back_to_front(scene):
        wins = instance.mask >= strongest
        owners[wins] = number[instance.name]
        strongest[wins] = instance.mask[wins]
    return owners


def to_supervision(scene: Scene) -> supervision.Detections:
    """The instances as ``supervision.Detections``; names, depths and tags are in its ``data``.

    Raises:
        MissingExtra: The package supervision is not installed.
    """
    try:
        import supervision
    except ImportError as error:
        raise MissingExtra(
            "to_supervision() needs the package supervision: pip install supervision"
        ) from error
    if not len(scene):
        return supervision.Detections.empty()
    tags = np.empty(len(scene), object)  # rows of different lengths
    tags[:] = [tuple(tag.name for tag in instance.tags) for instance in scene]
    depths = [np.nan if instance.depth is None else instance.depth for instance in scene]
    return supervision.Detections(
        xyxy=np.array(
            [instance.box_xyxy or instance.bounds_xyxy for instance in scene], np.float64
        ),
        mask=np.array([instance.mask >= 128 for instance in scene]),
        confidence=np.array([instance.score for instance in scene], np.float64),
        class_id=np.zeros(len(scene), np.int64),
        data={
            "class_name": np.array([CATEGORY["name"]] * len(scene)),
            "name": np.array([instance.name for instance in scene]),
            "depth": np.array(depths, np.float64),
            "tags": tags,
        },
    )
