"""What ``cartoonedit style`` does to one picture, or to one clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.cli.parts import PlateOptions, with_plate
from apps.cli.results import open_scene
from apps.cli.style_files import ClipOptions, StyleFiles
from apps.cli.style_parts import ByHand
from apps.cli.terminal import note
from cartoonedit.errors import InvalidInput
from cartoonedit.runtime import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from apps.style import StyleEditor
    from apps.style.jobs import OnPreview
    from apps.style.recipe import Recipe
    from cartoonedit.scene import Scene

__all__ = ["Work"]


@dataclass(frozen=True)
class Work:
    """Everything that was asked for.

    Attributes:
        editor: What pictures become.
        said: What a recipe says.
        by_hand: What the command line says of single parts.
        given: What else is written.
        clip: How clips are translated.
        plate: How backgrounds are filled.
        device: Where that is done.
        finder: The segmenter; None where all are saved scenes.
        found_with: What was said of it.
        on_preview: Called with previews as the work goes on.
    """

    editor: StyleEditor
    said: Recipe
    by_hand: ByHand
    given: StyleFiles
    clip: ClipOptions
    plate: PlateOptions
    device: str
    finder: Any
    found_with: str
    on_preview: OnPreview | None = None

    def still(
        self, file: Path, result: Path, folder: Path | None, progress: Progress
    ) -> dict[str, Any]:
        """Translate a picture or a saved scene; ``folder`` is where its scene shall be saved."""
        from apps.style.recipe import Recipe, remember, remembered

        scene = self._with_plate(open_scene(file, self.finder, progress), progress)
        if not len(scene):
            note(f"{file}: nobody was found, so the picture is translated as background")
        own = self.by_hand.laid_over({**remembered(scene).parts, **self.said.parts})
        styled = self.editor(scene, own, progress=progress, on_preview=self.on_preview)
        if not styled.patches:
            raise InvalidInput("nothing is left to translate: every part is to stay as it is.")
        styled.save(result)
        self.given.write(styled)
        if folder is not None:
            remember(styled.scene, Recipe({}, own)).save(folder, parts=("plate",))
        edited = [part for part in styled.parts if part.edited]
        parts = [
            {"name": p.name, "prompt": p.prompt, "negative": p.negative, "tagged": p.tagged}
            for p in edited
        ]
        return {"picture": str(result), "parts": parts}

    def moving(self, file: Path, result: Path, progress: Progress) -> dict[str, Any]:
        """Translate a clip or a folder of frames."""
        from apps.style.frames import translate_clip_file

        translate_clip_file(
            self.editor,
            self._finder(),
            file,
            result,
            own=self.by_hand.laid_over(self.said.parts),
            flow=self.clip.flow,
            fps=self.clip.fps,
            made_with=repr((self.found_with, self.plate, self.device)),
            progress=progress,
            on_preview=self.on_preview,
        )
        return {"clip": str(result)}

    def _finder(self) -> Callable[[NDArray[np.uint8]], Scene]:
        return lambda frame: self._with_plate(self.finder(frame), silent)

    def _with_plate(self, scene: Scene, progress: Progress) -> Scene:
        return with_plate(scene, self.plate, self.device, self.editor.options.seed, progress)
