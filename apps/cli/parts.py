"""Options about the parts of a scene: its depth map and its plate."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cartoonedit.errors import InvalidInput

if TYPE_CHECKING:
    from cartoonedit.scene import Scene

__all__ = ["PartOptions", "replace_parts"]


@dataclass
class PartOptions:
    """Where the depth map and the background come from.

    Attributes:
        depth: Depth estimator by name, a transformers repository or folder, or a depth map: .png,
            .npy, .exr.
        depth_convention: How a depth map is to be read: black is near and white is far, the
            reverse, or distances.
        instance_depth: Depth of a character by hand, from 0 (nearest) to 1, such as
            character-2=0.4; may be repeated.
        plate: A picture of the background to use as it is.
    """

    depth: Annotated[str | None, typer.Option(metavar="NAME|FILE")] = None
    depth_convention: Literal["far-white", "near-white", "metric"] = "far-white"
    instance_depth: Annotated[list[str], typer.Option(metavar="NAME=DEPTH")] = field(
        default_factory=list
    )
    plate: Annotated[Path | None, typer.Option(metavar="FILE")] = None

    def __post_init__(self) -> None:
        self.depths()

    def depths(self) -> dict[str, float]:
        """The depths by hand, by name.

        Raises:
            InvalidInput: One has another form or is out of range.
        """
        depths = {}
        for text in self.instance_depth:
            name, _, number = text.rpartition("=")
            try:
                depths[name] = float(number)
            except ValueError:
                depths[name] = float("nan")
            if not name or not 0 <= depths[name] <= 1:
                raise InvalidInput(
                    f"instance_depth is NAME=DEPTH with a depth from 0 to 1; got {text!r}."
                )
        return depths


def replace_parts(scene: Scene, options: PartOptions, device: str = "auto") -> Scene:
    """A scene with the depth and the plate that a person asked for.

    Raises:
        InvalidInput: A file cannot be used, or there is no instance of a name.
    """
    from cartoonedit.depth import read_depth
    from cartoonedit.images import open_image

    if options.depth is not None:
        path = Path(options.depth).expanduser()
        if path.suffix and path.is_file():
            depth = read_depth(path, scene.size_wh, convention=options.depth_convention)
            scene = scene.replace(depth=depth)
        else:
            scene = scene.replace(depth_estimator=options.depth, depth=None)
    if options.plate is not None:
        scene = scene.replace(plate=open_image(options.plate))
    depths = options.depths()
    if depths:
        missing = depths.keys() - {instance.name for instance in scene}
        if missing:
            scene[min(missing)]  # says who is there
        scene = scene.with_instances(
            [
                replace(instance, depth=depths.get(instance.name, instance.depth))
                for instance in scene
            ]
        )
    return scene
