"""Puppets: every character of a picture dances (paper section 6.3).

Example:
    >>> from cartoonedit.scene import Scene
    >>> Puppet(motion="dance")(Scene.open("scene/"), "clip.mp4")
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.overrides import with_overrides
from apps.puppet.options import PuppetOptions
from cartoonedit.errors import InvalidInput
from cartoonedit.imports import quick_imports
from cartoonedit.runtime import Progress, silent

if TYPE_CHECKING:
    from apps.puppet.classic.character import Drawing
    from apps.puppet.film import Film
    from apps.puppet.joints import FoundJoints
    from apps.puppet.show import Show
    from cartoonedit.scene import Scene

__all__ = ["Puppet", "PuppetOptions"]


class Puppet:
    """Lets the characters of scenes move.

    Example:
        >>> puppet = Puppet(motion="walk", motion_for=["character-2=wave"])
        >>> puppet(scene, "clip.mp4")
    """

    def __init__(self, options: PuppetOptions | None = None, **overrides: Any) -> None:
        """Take options, single fields of them, or both.

        Raises:
            InvalidInput: A field is unknown or out of its range.
        """
        self.options = with_overrides(PuppetOptions, options, overrides)

    def find_joints(self, scene: Scene) -> Mapping[str, FoundJoints]:
        """The joints of all characters, by name: from the file, from the scene, or found.

        Raises:
            InvalidInput: The file belongs to other characters, or cannot be read.
            ModelNotFound: The pose network is not on this machine.
        """
        from apps.puppet.rigging import find_all_joints

        return find_all_joints(scene, self.options)

    def rigged(self, scene: Scene) -> Scene:
        """The scene with the joints of its characters, to be saved and mended."""
        from apps.puppet.drawings import with_skeletons

        found = self.find_joints(scene)
        return with_skeletons(scene, {name: one.skeleton for name, one in found.items()})

    def prepare(self, scene: Scene, progress: Progress = silent) -> Show:
        """Rig the characters and pose them; what all frames have in common.

        Args:
            scene: With at least one character.
            progress: Called before each step; may raise to stop.

        Raises:
            InvalidInput: An option does not fit the scene, or nobody is in it.
        """
        with quick_imports():
            from apps.puppet.show import make_show

        return make_show(scene, self.options, progress)

    def film(self, source: Scene | Drawing, progress: Progress = silent) -> Film:
        """What is to be written as a clip.

        Of a :class:`~apps.puppet.classic.character.Drawing`, the classic way gives the very frames
        of Animated Drawings, with its camera; all else is a show of a scene.
        """
        from apps.puppet.classic.character import Drawing

        if not isinstance(source, Drawing):
            return self.prepare(source, progress)
        if self.options.retarget == "classic":
            with quick_imports():
                from apps.puppet.classic.film import classic_film

            self.options.check_names([source.name])
            self._check_classic()
            return classic_film(source, self.options)
        from apps.puppet.drawings import scene_of

        return self.prepare(scene_of(source), progress)

    def _check_classic(self) -> None:
        """Refuse what the frames of Animated Drawings themselves cannot show.

        Raises:
            InvalidInput: There is something.
        """
        for name in ("phase", "mirror", "blend_in", "joints"):
            if getattr(self.options, name):
                raise InvalidInput(
                    f"{name} is not for character folders with retarget classic, whose frames are"
                    " those of Animated Drawings. Leave it out, or retarget the natural way."
                )

    def __call__(
        self,
        source: Scene | Drawing,
        out_path: str | Path,
        progress: Progress | None = None,
    ) -> Path:
        """Write a clip.

        Args:
            source: A scene, or a drawing of Animated Drawings.
            out_path: The ending chooses the kind, see :class:`cartoonedit.video.VideoWriter`.
            progress: Called after each frame; may raise to stop, and then nothing is left behind.

        Returns:
            ``out_path``.

        Raises:
            InvalidInput: The ending is unknown, or an option does not fit the scene.
            CartooneditError: The clip could not be written.
        """
        from apps.puppet.writing import write_film

        report = progress or silent
        return write_film(self.film(source, report), out_path, report)
