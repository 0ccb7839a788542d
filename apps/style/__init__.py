"""Style translation, character by character (paper section 6.2).

Example:
    >>> from cartoonedit.scene import Scene
    >>> styled = StyleEditor(prompt="3D pixar style")(Scene.load("parts/picture"))
    >>> styled.save("styled.png")
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.overrides import with_overrides
from apps.style.options import BACKGROUND, PartOptions, StyleOptions
from cartoonedit.runtime import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from apps.style.compose import Patch
    from apps.style.jobs import OnPreview
    from apps.style.parts import Part
    from cartoonedit.scene import Scene

__all__ = ["BACKGROUND", "PartOptions", "StyleEditor", "StyleOptions", "Styled"]


@dataclass(frozen=True)
class Styled:
    """A picture in another style.

    Attributes:
        picture: RGB ``uint8`` ``(H, W, 3)``.
        scene: What it was made from, with the tags that were used.
        parts: All its parts with their prompts and settings, from the back to the front.
        patches: The new colours of the translated parts, by name.
        lines: The line art of the picture, ``uint8`` ``(H, W)``, white on black.
    """

    picture: NDArray[np.uint8]
    scene: Scene
    parts: tuple[Part, ...]
    patches: Mapping[str, Patch]
    lines: NDArray[np.uint8]

    def save(self, path: str | Path) -> Path:
        """Write the picture; the ending chooses the format."""
        from cartoonedit.images import save_image

        save_image(path, self.picture)
        return Path(path)


class StyleEditor:
    """Translates pictures into another style.

    Example:
        >>> editor = StyleEditor(preset="watercolour", mode="fused")
        >>> editor(scene).save("styled.png")
    """

    def __init__(self, options: StyleOptions | None = None, **overrides: Any) -> None:
        """Take options, single fields of them, or both.

        Raises:
            InvalidInput: A field is unknown or out of its range, or there is no style.
        """
        self.options = with_overrides(StyleOptions, options, overrides)

    def tag(self, scene: Scene, progress: Progress | None = None) -> Scene:
        """Describe the characters and the background with tags, where they have none.

        Raises:
            ModelNotFound: A tagger that was named by its path is not there.
        """
        from cartoonedit.tagger import Tagger, tag_scene

        if self.options.tagger == "none" or self.options.global_only:
            return scene
        device = "cpu" if self.options.device == "cpu" else "auto"
        tagger = Tagger(self.options.tagger, device=device)
        return tag_scene(scene, tagger, progress=progress, again=self.options.retag)

    def plan(self, scene: Scene, own: Mapping[str, PartOptions] | None = None) -> list[Part]:
        """The parts of a tagged scene with their prompts, from the back to the front.

        Raises:
            InvalidInput: There is no part of a name, or parts cannot share a pass.
        """
        from apps.style.fused import check_fused
        from apps.style.parts import plan_parts, whole_part

        if self.options.global_only:
            return [whole_part(scene, self.options, own)]
        parts = plan_parts(scene, self.options, own)
        if self.options.mode == "fused":
            check_fused(parts)
        return parts

    def __call__(
        self,
        scene: Scene,
        own: Mapping[str, PartOptions] | None = None,
        *,
        start: NDArray[np.uint8] | None = None,
        levels: Mapping[str, int] | None = None,
        progress: Progress | None = None,
        on_preview: OnPreview | None = None,
    ) -> Styled:
        """Translate a picture.

        Args:
            scene: The picture and its characters. Without any, the picture is all background.
            own: What is different for single characters, or for ``background``, by name.
            start: RGB ``uint8`` ``(H, W, 3)``, translated in place of the picture, whose lines
                still hold; see :mod:`apps.style.frames`.
            levels: Of the patches in the frame before of a clip, by name, to be kept where they do.
            progress: Called after each step; may raise to stop.
            on_preview: Called after each step with the names of the parts and a small sketch.

        Returns:
            The picture, its parts and their colours. Same options, same bytes on the CPU.

        Raises:
            InvalidInput: An option does not fit the scene, or the files of another family.
            ModelNotFound: A model is not on this machine.
            CartooneditError: The device has too little memory.
            Cancelled: ``progress`` stopped it.
        """
        from cartoonedit.lineart import draw_lines

        report = progress or silent
        report(0, 0, "loading the model")
        self.plan(scene, own)  # first, since a wrong name should be told at once
        self.find_models(own)
        scene = self.tag(scene, report)
        parts = self.plan(scene, own)
        edited = [part for part in parts if part.edited]
        lines = draw_lines(scene.picture, self.options.chosen_lineart, device=self.options.device)
        if not edited:
            return Styled(scene.picture, scene, tuple(parts), {}, lines)
        from apps.style.jobs import Studio
        from apps.style.translate import Original, translate

        if any(part.is_background for part in edited) and self.options.mode == "per-instance":
            _ = scene.plate  # before, since what paints it may be a model that needs the room
        with _in_use:
            studio = Studio(self._pipeline(edited), self.options, scene.size_wh, report, on_preview)
            shown = scene.picture if start is None else start
            picture, patches = translate(studio, Original(scene, shown, lines, levels or {}), parts)
        return Styled(picture, scene, tuple(parts), patches, lines)

    def find_models(self, own: Mapping[str, PartOptions] | None = None) -> dict[str, Path]:
        """The folders and files of all models; see :func:`apps.style.models.find_models`."""
        from apps.style.models import find_models

        return find_models(self.options, own)

    def _pipeline(self, parts: Sequence[Part]) -> Any:
        """The pipeline that translates the parts, ready but for their LoRAs."""
        from apps.style.models import adapter_for, controlnet_for
        from cartoonedit.diffusion import (
            IMG2IMG,
            family_of,
            family_of_model,
            load_pipeline,
            use_loras,
            use_references,
            use_scheduler,
        )

        options = self.options
        model = options.chosen_model
        pipeline = load_pipeline(
            model,
            IMG2IMG,
            device=options.device,
            dtype=options.dtype,
            offload=options.offload,
            config=options.config,
            controlnet=controlnet_for(options, family_of_model(model)),
        )
        use_scheduler(pipeline, options.scheduler)
        adapter = None
        if any(part.reference for part in parts):
            adapter = adapter_for(options, family_of(pipeline))
        use_references(pipeline, adapter, options.reference_weight)
        for loras in dict.fromkeys(part.loras for part in parts):
            use_loras(pipeline, loras)  # they stay; one that does not fit is told before the work
        return pipeline


_in_use = threading.Lock()  # a pipeline keeps the state of its scheduler and of its layers
