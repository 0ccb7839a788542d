"""The Scene: a picture taken apart, which every application works on.

A scene holds the picture, its instances, a depth map and the *plate*, the background with every
instance painted out. Depth and plate are computed when first asked for, once, or handed in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput
from cartoonedit.images import Picture, open_image
from cartoonedit.instance import Instance, Tag, arrange, digest, form
from cartoonedit.matte import bleed, decontaminate
from cartoonedit.scene_folder import MANIFEST, Part, StoredScene, read_folder, write_folder

if TYPE_CHECKING:
    from cartoonedit.depth import Estimator
    from cartoonedit.inpaint import Inpainter

__all__ = ["Instance", "PartName", "Scene", "Tag"]

PartName = Literal["depth", "plate"]


class Scene:
    """A picture and its parts. A scene never changes; :meth:`replace` makes another one.

    Example:
        >>> scene = Scene.open("picture.png")
        >>> len(scene), scene.size_wh
        (0, (1600, 1020))

    Args:
        picture: RGB ``uint8`` ``(H, W, 3)``; used, not copied. :meth:`open` takes other forms.
        instances: In any order; they are put left to right and the unnamed ones get names.
        depth: ``(H, W)`` float, 0 = nearest, 1 = farthest; None computes it when asked for.
        plate: RGB ``uint8`` ``(H, W, 3)``; None computes it when asked for.
        source: Where the picture came from.
        depth_estimator: How depth is computed, see :func:`cartoonedit.depth.estimate_depth`: a
            name, a path, or a callable, of which the scene keeps the name in its files.
        inpainter: How the plate is filled, see :func:`cartoonedit.inpaint.inpaint`; alike.
        meta: Anything else worth keeping that JSON can hold.

    Raises:
        InvalidInput: A part has another shape, type or range than described.
    """

    def __init__(
        self,
        picture: NDArray[np.uint8],
        instances: Sequence[Instance] = (),
        *,
        depth: NDArray[np.floating] | None = None,
        plate: NDArray[np.uint8] | None = None,
        source: str | None = None,
        depth_estimator: str | Path | Estimator = "layered",
        inpainter: str | Inpainter = "patchmatch",
        meta: Mapping[str, Any] | None = None,
    ) -> None:
        self._picture = _check_rgb(picture, "picture", None)
        self._instances = arrange(instances, self.size_wh)
        self._by_name = {instance.name: instance for instance in self._instances}
        self._parts: dict[PartName, Part] = {}
        if depth is not None:
            self._parts["depth"] = Part(_check_depth(depth, self.size_wh), computed=False)
        if plate is not None:
            self._parts["plate"] = Part(_check_rgb(plate, "plate", self.size_wh), computed=False)
        self._source = source
        self._estimator, self._inpainter = depth_estimator, inpainter
        self._methods: dict[PartName, str] = {
            "depth": _method_name(depth_estimator),
            "plate": _method_name(inpainter),
        }
        self._meta = MappingProxyType(_check_meta(meta))

    # ------------------------------------------------------------ what it holds

    @property
    def picture(self) -> NDArray[np.uint8]:
        """RGB ``uint8`` ``(H, W, 3)``, read-only."""
        return self._picture

    @property
    def instances(self) -> tuple[Instance, ...]:
        """All instances, left to right, each with its own name."""
        return self._instances

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the picture in pixels."""
        return self._picture.shape[1], self._picture.shape[0]

    @property
    def source(self) -> str | None:
        """Where the picture came from, if that is known."""
        return self._source

    @property
    def meta(self) -> Mapping[str, Any]:
        """Other notes, such as which model made the masks."""
        return self._meta

    @property
    def depth_estimator(self) -> str:
        """The name of how :attr:`depth` is computed."""
        return self._methods["depth"]

    @property
    def inpainter(self) -> str:
        """The name of how :attr:`plate` is computed."""
        return self._methods["plate"]

    @property
    def fill(self) -> str | Inpainter:
        """What :func:`cartoonedit.inpaint.inpaint` takes to fill more holes as :attr:`plate` is."""
        return self._inpainter

    @property
    def depth(self) -> NDArray[np.float32]:
        """``float32`` ``(H, W)``, 0 = nearest, 1 = farthest, read-only; computed on first access.

        Raises:
            ModelNotFound: The estimator needs weights that are not here.
            InvalidInput: There is no such estimator.
        """
        if "depth" not in self._parts:
            from cartoonedit.depth import estimate_depth

            depth = estimate_depth(self._picture, self._masks(), self._estimator)
            self._parts["depth"] = Part(_check_depth(depth, self.size_wh), computed=True)
        return self._parts["depth"].array

    @property
    def plate(self) -> NDArray[np.uint8]:
        """The background without the instances, computed on first access.

        RGB ``uint8`` ``(H, W, 3)``, read-only.

        Raises:
            InvalidInput: There is no such inpainter.
        """
        if "plate" not in self._parts:
            from cartoonedit.inpaint import make_plate

            plate = (
                make_plate(self._picture, self._masks(), self._inpainter)
                if self._instances
                else self._picture
            )
            self._parts["plate"] = Part(_check_rgb(plate, "plate", self.size_wh), computed=True)
        return self._parts["plate"].array

    def has(self, part: PartName) -> bool:
        """Whether ``depth`` or ``plate`` is there already, computed or handed in."""
        return part in self._parts

    def __getitem__(self, key: int | str) -> Instance:
        if not isinstance(key, str):
            return self._instances[key]
        if key not in self._by_name:
            there = ", ".join(self._by_name) or "no instance"
            raise InvalidInput(f"there is no instance {key!r}; this scene has {there}.")
        return self._by_name[key]

    def __len__(self) -> int:
        return len(self._instances)

    def __bool__(self) -> bool:
        return True  # a picture without a character is a scene all the same

    def __iter__(self) -> Iterator[Instance]:
        return iter(self._instances)

    def __repr__(self) -> str:
        names = ", ".join(self._by_name) or "no instances"
        return f"Scene({self.size_wh[0]}x{self.size_wh[1]}, {names})"

    # ------------------------------------------------------------ what follows from it

    def union_mask(self) -> NDArray[np.uint8]:
        """The largest alpha of all instances at each pixel, ``uint8`` ``(H, W)``."""
        union = np.zeros(self._picture.shape[:2], np.uint8)
        for instance in self._instances:
            np.maximum(union, instance.mask, out=union)
        return union

    def cutout(self, instance: Instance | str | int) -> NDArray[np.uint8]:
        """One instance on transparency, without the old background in its soft edge.

        Args:
            instance: An instance, or the name or index of one of this scene.

        Returns:
            RGBA ``uint8`` ``(H, W, 4)``, colours not premultiplied. Alpha is the mask. The edge
            colour goes on for a few pixels outside, so that scaling makes no dark fringe.
        """
        chosen = instance if isinstance(instance, Instance) else self[instance]
        if chosen.mask.shape != self._picture.shape[:2]:
            raise InvalidInput(f"{chosen!r} belongs to a picture of another size than {self!r}.")
        colours = decontaminate(self._picture, chosen.mask) * bleed(chosen.mask)[..., None]
        return np.dstack([colours, chosen.mask])

    # ------------------------------------------------------------ other scenes from this one

    def with_instances(self, instances: Sequence[Instance]) -> Scene:
        """The same picture with other instances.

        Depth and plate that were handed in stay. Computed ones stay only if the masks are the same.
        """
        return self.replace(instances=instances)

    def replace(self, **parts: Any) -> Scene:
        """A scene in which some arguments of the constructor are others.

        A part that was handed in stays until it is replaced; ``None`` lets it be computed again. A
        computed part stays only as long as all that it was computed from is the same; of a callable
        the name counts.

        Raises:
            InvalidInput: An argument is unknown or not valid.
        """
        arguments: dict[str, Any] = {
            "picture": self._picture,
            "instances": self._instances,
            "source": self._source,
            "depth_estimator": self._estimator,
            "inpainter": self._inpainter,
            "meta": dict(self._meta),
        }
        unknown = parts.keys() - arguments.keys() - {"depth", "plate"}
        if unknown:
            known = ", ".join([*arguments, "depth", "plate"])
            raise InvalidInput(f"a scene has no part {', '.join(sorted(unknown))}. Parts: {known}.")
        for name, part in self._parts.items():
            if not part.computed:
                arguments[name] = part.array
        scene = type(self)(**(arguments | parts))
        for name, part in self._parts.items():
            if part.computed and name not in parts and scene._recipe(name) == self._recipe(name):
                scene._parts[name] = part
        return scene

    def repaint(self, seed: int) -> Scene:
        """The same scene with the plate of another seed, which counts as handed in."""
        from cartoonedit.inpaint import make_plate

        plate = make_plate(self._picture, self._masks(), self._inpainter, seed=seed)
        return self.replace(plate=plate)

    # ------------------------------------------------------------ files

    @classmethod
    def open(cls, picture: Picture) -> Self:
        """A scene from a picture of any form, without instances, or from a saved folder.

        Raises:
            InvalidInput: It is neither.
        """
        path = Path(picture) if isinstance(picture, str | Path) else None
        if path is not None and path.name == MANIFEST:
            path = path.parent
        if path is not None and path.is_dir():
            return cls.load(path)
        return cls(open_image(picture), source=str(path) if path is not None else None)

    def save(self, folder: str | Path, parts: Sequence[PartName] = ()) -> Path:
        """Write a folder of plain files which a person can edit and :meth:`load` reads back.

        ``scene.json``, ``picture.png``, ``masks/<name>.png``, and, if they are there or asked for,
        ``depth.png`` (16 bits, black = near) and ``plate.png``. A scene that was saved there before
        is replaced; other files in the folder stay. Nothing half-written is ever left.

        Args:
            folder: Made if it does not exist.
            parts: ``"depth"`` and ``"plate"`` are computed if they are not there yet.

        Returns:
            The folder.

        Raises:
            InvalidInput: ``folder`` is a file, or a part has another name.
        """
        for name in parts:
            if name not in ("depth", "plate"):
                raise InvalidInput(f"parts to save are 'depth' and 'plate'; got {name!r}.")
            getattr(self, name)
        stored = StoredScene(
            picture=self._picture,
            instances=self._instances,
            parts=dict(self._parts),
            recipes={name: self._recipe(name) for name in self._parts},
            methods=self._methods,
            source=self._source,
            meta=dict(self._meta),
        )
        return write_folder(Path(folder), stored)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a folder that :meth:`save` wrote, with every change that a person made in it.

        A mask painted in any program is honoured, whatever its mode or bit depth. A deleted mask
        file removes its instance; a new PNG in ``masks/`` is a new instance. A depth map or plate
        that was edited or put there stays; one that was computed from masks since edited is
        computed anew.

        Raises:
            InvalidInput: There is no scene, it is damaged or of a newer format, a file name leads
                out of the folder, or a mask does not fit the picture.
        """
        stored = read_folder(Path(folder))
        scene = cls(
            stored.picture,
            stored.instances,
            source=stored.source,
            depth_estimator=stored.methods["depth"],
            inpainter=stored.methods["plate"],
            meta=stored.meta,
        )
        for name, part in stored.parts.items():
            if not part.computed or stored.recipes.get(name) == scene._recipe(name):
                scene._parts[name] = part
        return scene

    def _masks(self) -> list[NDArray[np.uint8]]:
        return [instance.mask for instance in self._instances]

    def _recipe(self, part: PartName) -> str:
        """A digest of all that a computed part depends on: picture, masks in any order, method."""
        masks = sorted(instance.digest for instance in self._instances)
        return digest(self._picture, *masks, self._methods[part])


def _method_name(method: str | Path | Estimator | Inpainter) -> str:
    if callable(method):
        return str(getattr(method, "name", None) or getattr(method, "__name__", "custom"))
    return str(method)


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def _check_rgb(array: object, label: str, size_wh: tuple[int, int] | None) -> NDArray[np.uint8]:
    if not isinstance(array, np.ndarray):
        raise InvalidInput(
            f"{label} must be a numpy array; got {type(array).__name__}. open_image() makes one."
        )
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or array.size == 0:
        raise InvalidInput(
            f"{label} must be RGB uint8 of shape (H, W, 3); got {array.dtype} {array.shape}."
            " open_image() converts other forms."
        )
    if size_wh is not None and array.shape[:2] != (size_wh[1], size_wh[0]):
        expected = (size_wh[1], size_wh[0], 3)
        raise InvalidInput(
            f"{label} must have the shape of the picture, {expected}; got {array.shape}."
        )
    return _frozen(array)


def _check_depth(array: object, size_wh: tuple[int, int]) -> NDArray[np.float32]:
    expected = (size_wh[1], size_wh[0])
    if not isinstance(array, np.ndarray) or array.shape != expected or array.dtype.kind != "f":
        raise InvalidInput(
            f"depth must be a float array of the shape of the picture, {expected};"
            f" got {form(array)}."
        )
    low, high = float(array.min()), float(array.max())
    if not (low >= -1e-6 and high <= 1 + 1e-6):  # NaN fails this, too
        raise InvalidInput(
            f"depth must lie in 0 (nearest) .. 1 (farthest); got {low:g} .. {high:g}."
        )
    return _frozen(np.clip(array, 0, 1).astype(np.float32))


def _check_meta(meta: Mapping[str, Any] | None) -> dict[str, Any]:
    try:
        text = json.dumps(dict(meta or {}), allow_nan=False)
        return dict(json.loads(text))  # a copy, in the form that load gives back
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"meta must hold only what JSON can: {error}.") from error
