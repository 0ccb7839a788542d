"""Options about the parts of a scene: its depth map, and its background without the characters."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cartoonedit.errors import InvalidInput
from cartoonedit.runtime import Progress, silent

if TYPE_CHECKING:
    from cartoonedit.inpaint import Inpainter
    from cartoonedit.scene import Scene

__all__ = ["DepthOptions", "PlateOptions", "with_depth", "with_plate"]


@dataclass
class DepthOptions:
    """Where the depth map comes from.

    Attributes:
        depth: Depth estimator by name, a transformers repository or folder, or a depth map: .png,
            .npy, .exr.
        depth_convention: How a depth map is to be read: black is near and white is far, the
            reverse, or distances.
        instance_depth: Depth of a character by hand, from 0 (nearest) to 1, such as
            character-2=0.4; may be repeated.
    """

    depth: Annotated[str | None, typer.Option(metavar="NAME|FILE")] = None
    depth_convention: Literal["far-white", "near-white", "metric"] = "far-white"
    instance_depth: Annotated[list[str], typer.Option(metavar="NAME=DEPTH")] = field(
        default_factory=list
    )

    def __post_init__(self) -> None:
        self.by_hand()

    def by_hand(self) -> dict[str, float]:
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


@dataclass
class PlateOptions:
    """How the background behind the characters is filled.

    Attributes:
        plate: A picture of the background to use as it is.
        inpainter: What fills the background: patchmatch copies patches and needs no weights; lama
            is a quick network; latent-diffusion is the paper's, which tags the fill and repaints
            it; smooth is instant and for flat colours.
        inpaint_model: The weights, in place of the inpainter's own: a name of the catalogue, a
            repository, a folder or a .safetensors file.
        inpaint_prompt: What the background shows, before the tags; for latent-diffusion.
        inpaint_steps: Steps of diffusion; of these the strength's share is run.
        inpaint_strength: How much of the first fill may change, above 0 to 1.
        inpaint_side: Pixels on a side that a network sees at once; less takes less memory.
        offload: What of a diffusion model waits in main memory until it is needed.
    """

    plate: Annotated[Path | None, typer.Option(metavar="FILE")] = None
    inpainter: Literal["patchmatch", "lama", "latent-diffusion", "smooth"] = "patchmatch"
    inpaint_model: Annotated[str | None, typer.Option(metavar="NAME|FILE")] = None
    inpaint_prompt: str | None = None
    inpaint_steps: Annotated[int, typer.Option(min=1, max=1000)] = 32
    inpaint_strength: float = 0.75
    inpaint_side: int | None = None
    offload: Literal["none", "model", "group", "sequential"] = "none"

    def __post_init__(self) -> None:
        if self.inpaint_model and self.inpainter not in ("lama", "latent-diffusion"):
            raise InvalidInput(
                f"inpaint_model is for lama and latent-diffusion; {self.inpainter} has no weights."
            )
        self.make("cpu", silent)

    def make(self, device: str, progress: Progress) -> str | Inpainter:
        """The inpainter.

        Raises:
            InvalidInput: An option is out of its range.
        """
        given: dict[str, Any] = {} if self.inpaint_side is None else {"max_side": self.inpaint_side}
        if self.inpainter == "latent-diffusion":
            from cartoonedit.inpaint import LatentInpainter

            given |= {"model": self.inpaint_model} if self.inpaint_model else {}
            return LatentInpainter(
                prompt=self.inpaint_prompt,
                steps=self.inpaint_steps,
                strength=self.inpaint_strength,
                offload=self.offload,
                device=device,
                progress=progress,
                **given,
            )
        if self.inpainter == "lama":
            from cartoonedit.inpaint import LamaInpainter

            given |= {"weights": self.inpaint_model} if self.inpaint_model else {}
            return LamaInpainter(device=device, **given)
        return self.inpainter


def with_depth(scene: Scene, options: DepthOptions, device: str) -> Scene:
    """A scene with the depth that a person asked for.

    Raises:
        InvalidInput: A file cannot be used, or there is no instance of a name.
    """
    if options.depth is not None:
        from cartoonedit.depth import DepthEstimator, read_depth

        path = Path(options.depth).expanduser()
        if path.suffix and path.is_file():
            depth = read_depth(path, scene.size_wh, convention=options.depth_convention)
            scene = scene.replace(depth=depth)
        else:
            estimator = DepthEstimator(options.depth, device)
            scene = scene.replace(depth_estimator=estimator, depth=None)
    depths = options.by_hand()
    for name in depths:
        scene[name]  # says who is there if it is not
    return scene.with_instances(
        [replace(one, depth=depths.get(one.name, one.depth)) for one in scene]
        if depths
        else [*scene]
    )


def with_plate(scene: Scene, options: PlateOptions, device: str, progress: Progress) -> Scene:
    """A scene with the background that a person asked for.

    A plate that a person painted stays, unless another way to make it is asked for.

    Raises:
        InvalidInput: The file cannot be used.
    """
    if options.plate is not None:
        from cartoonedit.images import open_image

        return scene.replace(plate=open_image(options.plate))
    if options.inpainter == scene.inpainter and options == PlateOptions():
        return scene
    return scene.replace(inpainter=options.make(device, progress), plate=None)
