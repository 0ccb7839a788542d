"""A scene as a folder of plain files, which a person can fix in any paint program and hand back.

``scene.json`` (format 1) says what is there. The pixels lie beside it: ``picture.png``,
``masks/<name>.png``, ``depth.png`` (16 bits, black = near) and ``plate.png``. For what was
computed, it also keeps digests, so that a later reader can tell a file that a person edited (kept
as it is) from a computed one that no longer fits the masks (computed anew).

Such folders come from strangers, too: no name in the file may lead out of the folder.
"""

from __future__ import annotations

import glob
import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput
from cartoonedit.files import atomic_folder, write_json
from cartoonedit.images import fit, open_grey, open_image, open_mask, save_image
from cartoonedit.instance import Instance, Tag, check_name, digest

__all__ = ["MANIFEST", "Part", "StoredScene", "files_of", "read_folder", "write_folder"]

logger = logging.getLogger(__name__)

MANIFEST = "scene.json"
FORMAT = 1
_PICTURE = "picture.png"
_MASKS = "masks"
_PART_FILES: dict[Literal["depth", "plate"], str] = {"depth": "depth.png", "plate": "plate.png"}
_DEPTH_NOTE = {"Comment": "depth: 0 (black) = nearest, 65535 (white) = farthest"}


@dataclass(frozen=True)
class Part:
    """A depth map or plate, and whether it was computed (or made by a person, and to be kept)."""

    array: NDArray[Any]
    computed: bool


@dataclass(frozen=True)
class StoredScene:
    """What is in a folder, in the form of the arguments of a Scene.

    Attributes:
        recipes: For computed parts, a digest of what they were computed from.
        methods: The name of the method that computes each part.
    """

    picture: NDArray[np.uint8]
    instances: Sequence[Instance]
    parts: dict[Literal["depth", "plate"], Part]
    recipes: dict[Literal["depth", "plate"], str]
    methods: Mapping[Literal["depth", "plate"], str]
    source: str | None
    meta: dict[str, Any]


# ---------------------------------------------------------------- writing


def write_folder(folder: Path, scene: StoredScene) -> Path:
    """Write ``scene`` to ``folder``; see :meth:`cartoonedit.scene.Scene.save`."""
    stale = [glob.escape(name) for name in _files_of_earlier_scene(folder)]
    with atomic_folder(folder, stale=stale) as partial:
        save_image(partial / _PICTURE, scene.picture)
        for instance in scene.instances:
            save_image(partial / _MASKS / f"{instance.name}.png", instance.mask)
        parts: dict[str, Any] = {}
        for name, part in scene.parts.items():
            stored = _quantised(part.array)
            note = _DEPTH_NOTE if name == "depth" else None
            save_image(partial / _PART_FILES[name], stored, text=note)
            parts[name] = {
                "file": _PART_FILES[name],
                "computed": part.computed,
                "pixels_sha256": digest(stored),
            }
            if part.computed:
                parts[name]["made_from_sha256"] = scene.recipes[name]
        manifest = {
            "format": FORMAT,
            "picture": _PICTURE,
            "size_wh": [scene.picture.shape[1], scene.picture.shape[0]],
            "source": scene.source,
            "depth_estimator": scene.methods["depth"],
            "inpainter": scene.methods["plate"],
            "instances": [_instance_to_json(instance) for instance in scene.instances],
            "parts": parts,
            "meta": scene.meta,
        }
        write_json(partial / MANIFEST, manifest, indent=2)
    return folder


def _files_of_earlier_scene(folder: Path) -> list[str]:
    """Files that the scene now in ``folder`` says are its own; other files belong to the user."""
    try:
        manifest = _Manifest.read(folder)
        masks = [
            f"{_MASKS}/{check_name(entry.get('name', ''))}.png" for entry in manifest.entries()
        ]
        return [*masks, *(_PART_FILES[part] for part in manifest.parts())]
    except InvalidInput:  # no scene, or a damaged one: nothing is known to be its own
        return []


def _instance_to_json(instance: Instance) -> dict[str, Any]:
    return {
        "name": instance.name,
        "mask": f"{_MASKS}/{instance.name}.png",
        "mask_sha256": instance.digest,
        "score": instance.score,
        "box_xyxy": instance.box_xyxy,
        "depth": instance.depth,
        "tags": [asdict(tag) for tag in instance.tags],
        "joints": None if instance.joints is None else dict(instance.joints),
    }


def _quantised(part: NDArray[Any]) -> NDArray[Any]:
    """A part as its file holds it: depth in 16 bits, a plate as it is."""
    return part if part.dtype == np.uint8 else np.rint(part * np.float32(65535)).astype(np.uint16)


# ---------------------------------------------------------------- reading


def read_folder(folder: Path) -> StoredScene:
    """Read a scene folder with all edits in it; see :meth:`cartoonedit.scene.Scene.load`."""
    if not folder.is_dir():
        raise InvalidInput(f"there is no scene folder at {folder}.")
    manifest = _Manifest.read(folder)
    picture = open_image(_inside(folder, manifest.text("picture", _PICTURE)))
    size_wh = (picture.shape[1], picture.shape[0])
    parts: dict[Literal["depth", "plate"], Part] = {}
    recipes: dict[Literal["depth", "plate"], str] = {}
    for name, file in _PART_FILES.items():
        if (folder / file).is_file():
            record = manifest.parts().get(name, {})
            parts[name] = _read_part(_inside(folder, file), size_wh, record)
            recipes[name] = str(record.get("made_from_sha256", ""))
    return StoredScene(
        picture=picture,
        instances=_read_instances(folder, manifest, size_wh),
        parts=parts,
        recipes=recipes,
        methods={
            "depth": manifest.text("depth_estimator", "layered"),
            "plate": manifest.text("inpainter", "patchmatch"),
        },
        source=manifest.text("source", "") or None,
        meta=manifest.mapping("meta"),
    )


def files_of(folder: Path) -> list[Path]:
    """The files that a scene is read from; of a damaged one, those with the usual names.

    Other files in the folder, such as results that were put there, are none of its.
    """
    files = {folder / name for name in (MANIFEST, _PICTURE, *_PART_FILES.values())}
    files |= set((folder / _MASKS).glob("*.[pP][nN][gG]"))
    with suppress(InvalidInput):
        manifest = _Manifest.read(folder)
        named = [entry["mask"] for entry in manifest.entries() if "mask" in entry]
        for name in (manifest.text("picture", _PICTURE), *named):
            _inside(folder, name)
            files.add(folder / name)
    return sorted(file for file in files if file.is_file())


class _Manifest:
    """``scene.json`` with every access checked: a damaged one gives a sentence, not a traceback."""

    def __init__(self, path: Path, values: dict[str, Any]) -> None:
        self.path = path
        self.values = values

    @classmethod
    def read(cls, folder: Path) -> _Manifest:
        path = folder / MANIFEST
        if not path.is_file():
            raise InvalidInput(
                f"the folder {folder} holds no {MANIFEST}, so it is not a saved scene."
                " Give a picture, or a folder that Scene.save or `cartoonedit segment` wrote."
            )
        try:
            values = json.loads(path.read_text(encoding="utf-8-sig"))  # some editors add a mark
        except (ValueError, RecursionError) as error:
            raise InvalidInput(
                f"{path} is not valid JSON: {error}. Undo the last edit in it."
            ) from error
        version = values.get("format") if isinstance(values, dict) else None
        if version != FORMAT:
            hint = "It is not a scene that cartoonedit wrote."
            if isinstance(version, int) and version > FORMAT:
                hint = "A newer cartoonedit wrote it; upgrade."
            raise InvalidInput(f"{path}: format must be {FORMAT}; got {version!r}. {hint}")
        return cls(path, values)

    def text(self, key: str, default: str) -> str:
        value = self.values.get(key)
        if value is None:
            return default
        if not isinstance(value, str):
            raise InvalidInput(f"{self.path}: {key!r} must be a string; got {value!r:.60}.")
        return value

    def mapping(self, key: str) -> dict[str, Any]:
        value = self.values.get(key) or {}
        if not isinstance(value, dict):
            raise InvalidInput(
                f"{self.path}: {key!r} must be an object {{...}}; got {value!r:.60}."
            )
        return value

    def parts(self) -> dict[Any, dict[str, Any]]:
        parts = self.mapping("parts")
        return {
            name: part
            for name, part in parts.items()
            if name in _PART_FILES and isinstance(part, dict)
        }

    def entries(self) -> list[dict[str, Any]]:
        entries = self.values.get("instances") or []
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise InvalidInput(
                f"{self.path}: 'instances' must be a list of objects [{{...}}, ...]."
            )
        return entries


def _read_part(path: Path, size_wh: tuple[int, int], record: Mapping[str, Any]) -> Part:
    array: NDArray[Any] = open_grey(path) if path.name == _PART_FILES["depth"] else open_image(path)
    edited = digest(_quantised(array)) != record.get("pixels_sha256")
    array = fit(array, size_wh, str(path))
    array.flags.writeable = False
    return Part(array, computed=bool(record.get("computed")) and not edited)


def _read_instances(folder: Path, manifest: _Manifest, size_wh: tuple[int, int]) -> list[Instance]:
    instances: list[Instance] = []
    named: set[Path] = set()
    for number, entry in enumerate(manifest.entries()):
        try:
            name = check_name(entry.get("name", ""))
            path = _inside(folder, entry.get("mask", f"{_MASKS}/{name}.png"))
            named.add(path)
            if path.is_file():
                instances.append(_instance_from_json(entry, open_mask(path, size_wh)))
            else:
                logger.warning("%s is gone, so %s is left out", path, name)
        except InvalidInput as error:
            raise InvalidInput(f"{manifest.path}: instance {number}: {error}") from error
    return [
        *instances,
        *_new_masks(folder, named, {entry["name"] for entry in manifest.entries()}, size_wh),
    ]


def _instance_from_json(entry: Mapping[str, Any], mask: NDArray[np.uint8]) -> Instance:
    tags = entry.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, dict) for tag in tags):
        raise InvalidInput("'tags' must be a list of objects.")
    try:
        made = tuple(
            Tag(str(tag["name"]), float(tag["score"]), str(tag.get("category", "general")))
            for tag in tags
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InvalidInput(
            f"each tag needs a 'name' and a 'score' in numbers ({error})."
        ) from error
    edited = "mask_sha256" in entry and digest(mask) != entry["mask_sha256"]
    return Instance(
        mask=mask,
        score=entry.get("score", 1.0),
        name=entry["name"],
        box_xyxy=None if edited else entry.get("box_xyxy"),  # the box was found for the old mask
        tags=made,
        depth=entry.get("depth"),
        joints=entry.get("joints"),
    )


def _new_masks(
    folder: Path, named: set[Path], taken: set[str], size_wh: tuple[int, int]
) -> list[Instance]:
    """Instances from PNG files in ``masks/`` that ``scene.json`` does not name."""
    found: list[Instance] = []
    for path in sorted((folder / _MASKS).glob("*.[pP][nN][gG]")):
        if path.name.startswith(".") or _inside(folder, f"{_MASKS}/{path.name}") in named:
            continue
        try:
            name = check_name(path.stem)
        except InvalidInput:
            name = ""  # the scene will give it one
        logger.info("%s is new: it becomes an instance", path)
        found.append(Instance(open_mask(path, size_wh), name="" if name in taken else name))
    return found


def _is_inside(folder: Path, name: object) -> bool:
    if (
        not isinstance(name, str)
        or not name
        or "\\" in name
        or "\0" in name
        or Path(name).is_absolute()
    ):
        return False
    return (folder / name).resolve().is_relative_to(folder.resolve()) and ".." not in Path(
        name
    ).parts


def _inside(folder: Path, name: object) -> Path:
    """The real path of a file named in ``scene.json``, refused if it lies outside of the folder."""
    try:
        if _is_inside(folder, name):
            path = (folder / str(name)).resolve()
            with suppress(FileNotFoundError):
                path.stat()  # fails for a name that the file system cannot hold
            return path
    except (OSError, ValueError, RuntimeError) as error:  # too long, no text, a link to itself
        raise InvalidInput(f"the file name {name!r:.100} cannot be used: {error!s:.60}.") from error
    raise InvalidInput(
        f"the file name {name!r:.100} leads out of the scene folder, which is not allowed."
    )
