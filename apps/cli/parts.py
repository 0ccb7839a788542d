"""Options about the parts of a scene: its depth map, and its background without the characters."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cartoonedit.errors import InvalidInput
from cartoonedit.runtime import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cartoonedit.inpaint import Inpainter
    from cartoonedit.scene import Scene

__all__ = ["DepthOptions", "PlateOptions", "with_depth", "with_plate"]


@dataclass
class DepthOptions:
    """Where the depth map comes from.

    Attributes:
        depth: A depth map of your own (.png, .npy, .exr), or what estimates it: layered (needs no
            weights), leres (the paper's), zoe, midas, depth-anything-v2-small, depthpro, marigold,
            or a transformers folder or repository. By default that of a saved scene, else layered.
        depth_convention: How a depth map of your own is to be read: far-white has black near and
            white far, near-white the reverse, metric holds distances.
        instance_depth: Depth of a character by hand, from 0 (nearest) to 1, such as
            character-2=0.4; may be repeated.
    """

    depth: Annotated[str | None, typer.Option(metavar="NAME|FILE")] = None
    depth_convention: Literal["far-white", "near-white", "metric"] = "far-white"
    instance_depth: Annotated[list[str], typer.Option(metavar="NAME=DEPTH")] = field(
        default_factory=list
    )

    def __post_init__(self) -> None:
        if self.depth is not None:
            from cartoonedit.depth import check_estimator

            check_estimator(self.depth)
        if self.depth_convention != "far-white" and not self.file:
            raise InvalidInput("depth_convention is for a depth map that depth names.")
        self.by_hand()

    @property
    def file(self) -> Path | None:
        """The depth map, if depth is one."""
        from cartoonedit.depth import ESTIMATORS

        path = Path(self.depth or "").expanduser()
        return path if self.depth not in ESTIMATORS and path.is_file() else None

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
                    f"instance_depth must be NAME=DEPTH with a depth from 0 to 1; got {text!r}."
                )
        return depths


@dataclass
class PlateOptions:
    """How the background behind the characters is filled.

    Attributes:
        plate: A picture of the background to use as it is, of the picture's size.
        inpainter: What fills the background: patchmatch copies patches and needs no weights; lama
            is a quick network; latent-diffusion is the paper's, which tags the fill and repaints
            it; smooth is instant and for flat colours. By default that of a saved scene, else
            patchmatch.
        inpaint_model: The weights, in place of the inpainter's own: a name of the catalogue, a
            repository, a folder or a .safetensors file.
        inpaint_prompt: What the background shows, before the tags; for latent-diffusion.
        inpaint_steps: Steps of diffusion, 1 to 200; of these the strength's share is run.
        inpaint_strength: How much of the first fill may change, above 0 to 1.
        inpaint_side: Pixels on a side that a network sees at once; less takes less memory.
        offload: What of a diffusion model waits in main memory until it is needed.
    """

    plate: Annotated[Path | None, typer.Option(metavar="FILE", exists=True, dir_okay=False)] = None
    inpainter: Literal["patchmatch", "lama", "latent-diffusion", "smooth"] | None = None
    inpaint_model: Annotated[str | None, typer.Option(metavar="NAME|FILE")] = None
    inpaint_prompt: str | None = None
    inpaint_steps: Annotated[int, typer.Option(min=1, max=200)] = 32
    inpaint_strength: float = 0.75
    inpaint_side: int | None = None
    offload: Literal["none", "model", "group", "sequential"] = "none"

    def __post_init__(self) -> None:
        for name in self.tuned:
            if self.inpainter not in _USED_BY[name]:
                users, got = " or ".join(_USED_BY[name]), self.inpainter or "none"
                raise InvalidInput(f"{name} is for the inpainter {users}; got {got}.")
        try:
            self.make("cpu", silent)
        except InvalidInput as error:
            raise InvalidInput(f"inpainter {self.inpainter}: {error}") from error

    @property
    def tuned(self) -> list[str]:
        """The options of an inpainter that are not as they are by default."""
        own = {one.name: one.default for one in fields(self) if one.name in _USED_BY}
        return [name for name, default in own.items() if getattr(self, name) != default]

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
        return self.inpainter or "patchmatch"


_USED_BY = {
    "inpaint_model": ("lama", "latent-diffusion"),
    "inpaint_side": ("lama", "latent-diffusion"),
    "inpaint_prompt": ("latent-diffusion",),
    "inpaint_steps": ("latent-diffusion",),
    "inpaint_strength": ("latent-diffusion",),
    "offload": ("latent-diffusion",),
}
"""Option to the inpainters that look at it; others would ignore what a person asked for."""


@dataclass(frozen=True)
class _Seeded:
    """An inpainter that always takes one seed: a scene has none of its own."""

    method: str | Inpainter
    name: str
    seed: int

    def __call__(
        self, image: NDArray[np.uint8], hole: NDArray[np.bool_], seed: int
    ) -> NDArray[np.uint8]:
        from cartoonedit.inpaint import inpaint

        return inpaint(image, hole, self.method, seed=self.seed)


def with_depth(scene: Scene, options: DepthOptions, device: str) -> Scene:
    """A scene with the depth that a person asked for.

    Raises:
        InvalidInput: A file cannot be used, or there is no instance of a name.
    """
    if options.depth is not None:
        from cartoonedit.depth import DepthEstimator, read_depth

        if options.file:
            depth = read_depth(options.file, scene.size_wh, convention=options.depth_convention)
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


def with_plate(
    scene: Scene, options: PlateOptions, device: str, seed: int, progress: Progress
) -> Scene:
    """A scene with the background that a person asked for.

    A plate that a person painted stays, unless another way to make it is asked for.

    Raises:
        InvalidInput: The file cannot be used.
    """
    if options.inpainter not in (None, scene.inpainter) or options.tuned:
        scene = scene.replace(inpainter=options.make(device, progress), plate=None)
    if options.plate is not None:
        from cartoonedit.images import open_image

        scene = scene.replace(plate=open_image(options.plate))
    if seed and not scene.has("plate"):
        scene = scene.replace(inpainter=_Seeded(scene.fill, scene.inpainter, seed))
    return scene
