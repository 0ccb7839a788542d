"""Clips in another style, frame by frame, from the same noise throughout.

Without ``flow`` every frame is translated by itself: what is not fixed by the lines and the words
differs from one to the next, and the clip flickers. With it, each frame starts from a mixture of
itself and the result before it, moved along.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from apps.style.kept import Done, KeptFrames, fingerprint
from apps.style.motion import Motion, motion_between
from apps.style.options import BACKGROUND, PartOptions
from apps.style.tracks import Tracks
from cartoonedit import __version__
from cartoonedit.errors import InvalidInput
from cartoonedit.runtime import Progress, silent
from cartoonedit.tagger import without_tags
from cartoonedit.video import VideoWriter
from cartoonedit.video_reader import VideoReader

if TYPE_CHECKING:
    from apps.style import StyleEditor
    from apps.style.jobs import OnPreview
    from cartoonedit.scene import Scene

__all__ = ["check_flow", "translate_clip", "translate_clip_file"]

logger = logging.getLogger(__name__)

Frame = NDArray[np.uint8]
OpenScene = Callable[[Frame], "Scene"]
"""``open_scene(frame) -> scene``: finds the characters of a frame."""

_FOLDER_FPS = 24.0
_UNITS = 100  # of progress in each frame


def check_flow(flow: float) -> None:
    """Raise :class:`InvalidInput` unless ``flow`` is a number from 0 to 1."""
    number = isinstance(flow, (int, float)) and not isinstance(flow, bool)
    if not (number and 0 <= flow <= 1):
        raise InvalidInput(f"flow must be a number from 0 to 1; got {flow!r:.60}.")


def translate_clip(
    editor: StyleEditor,
    open_scene: OpenScene,
    frames: Iterable[Frame],
    *,
    own: Mapping[str, PartOptions] | None = None,
    flow: float = 0.0,
    progress: Progress | None = None,
    on_preview: OnPreview | None = None,
) -> Iterator[Frame]:
    """Translate frames one after the other; memory does not grow with their number.

    Without ``flow`` every frame is translated by itself, and the clip flickers. Either way all
    frames start from the same noise, and characters are followed: one keeps the name, the options
    and the tags of the first frame that shows them, so a tagger describes each of them once. A new
    one gets a number that nobody had, and so does everybody after a cut. A frame that is equal to
    the one before, as in an animation on twos, is not translated again.

    Args:
        editor: What translates a frame.
        open_scene: Finds the characters of a frame, such as a
            :class:`~segmentation.segmenter.Segmenter`.
        frames: RGB ``uint8`` ``(H, W, 3)``, as of a :class:`~cartoonedit.video_reader.VideoReader`.
        own: What is different for single parts, by name. It holds in the frames that show the part;
            that a name is not in the first frame, or not in any, is logged and stops nothing, for
            a name is found to be missing only when all the work is done.
        flow: 0..1, how much of what a frame starts from is the result before it, moved along with
            the picture (dense optical flow). What came into sight starts from the frame itself, and
            so does all of it after a cut.
        progress: Called with hundredths of frames; may raise to stop. The total is 0 if ``frames``
            has no length.
        on_preview: As for :class:`~apps.style.StyleEditor`.

    Returns:
        An iterator of RGB ``uint8`` ``(H, W, 3)``, one for each frame.

    Raises:
        InvalidInput: ``flow`` is out of its range, or an option does not fit.
        ModelNotFound: A model is not on this machine.
        Cancelled: ``progress`` stopped it.
    """
    total = len(frames) if isinstance(frames, Sized) else 0
    return _translate(
        _Clip(editor, open_scene, own or {}, flow, on_preview), frames, total, progress
    )


def translate_clip_file(
    editor: StyleEditor,
    open_scene: OpenScene,
    clip: str | Path,
    out: str | Path,
    *,
    own: Mapping[str, PartOptions] | None = None,
    flow: float = 0.0,
    fps: float | None = None,
    quality: str = "high",
    made_with: str | None = None,
    progress: Progress | None = None,
    on_preview: OnPreview | None = None,
) -> Path:
    """Translate a clip or a folder of frames, and write it; see :func:`translate_clip`.

    Sound is left out. If the work is stopped or fails, there is no clip; with ``made_with``, frames
    that are done are kept in a folder ``NAME.part`` beside it, from which the same work goes on.

    Args:
        editor: As for :func:`translate_clip`.
        open_scene: Likewise.
        clip: Any file that ffmpeg reads, or a folder of pictures of one size.
        out: The clip to write; see :class:`~cartoonedit.video.VideoWriter` for the endings.
        own: As for :func:`translate_clip`.
        flow: Likewise.
        fps: Frames per second; None for those of the clip, and 24 for a folder.
        quality: Of an mp4 or webm: ``high``, ``medium`` or ``small``.
        made_with: What else the frames depend on, such as the options of ``open_scene``, in any
            words: kept frames of other work are not used. None keeps none.
        progress: Called with hundredths of frames; may raise to stop.
        on_preview: As for :class:`~apps.style.StyleEditor`.

    Returns:
        ``out``.

    Raises:
        InvalidInput: The clip cannot be read, or ``out`` not be written in this form, or an option
            is not allowed or does not fit.
        ModelNotFound: A model is not on this machine.
        CartooneditError: The place cannot be written to, or ffmpeg failed.
        Cancelled: ``progress`` stopped it.
    """
    reader = VideoReader(clip)
    rate = (reader.fps or _FOLDER_FPS) if fps is None else fps
    writer = VideoWriter(out, reader.size_wh, rate, quality=quality)
    kept = None
    if made_with is not None:
        options = (repr(editor.options), sorted((own or {}).items()), flow, made_with)
        kept = KeptFrames(writer.path, fingerprint(__version__, _state(Path(clip)), *options))
    work = _Clip(editor, open_scene, own or {}, flow, on_preview, kept)
    (progress or silent)(0, 0, "counting the frames")
    total = reader.frame_count
    try:
        with closing(iter(reader)) as frames, writer:
            for styled in _translate(work, frames, total, progress):
                writer.write(styled)
    except BaseException:
        if kept is not None:
            kept.tell()
        raise
    if kept is not None:
        kept.remove()
    return Path(out)


def _state(clip: Path) -> list[tuple[str, int, int]]:
    """Name, size and age of a clip, or of the frames in a folder."""
    files = sorted(clip.iterdir()) if clip.is_dir() else [clip.absolute()]
    return [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]


@dataclass
class _Clip:
    """A clip that is being translated."""

    editor: StyleEditor
    open_scene: OpenScene
    own: Mapping[str, PartOptions]
    flow: float
    on_preview: OnPreview | None = None
    kept: KeptFrames | None = None
    _tracks: Tracks = field(default_factory=Tracks)
    _before: Done | None = None
    _only: frozenset[str] = frozenset()
    _retag: bool = False
    _translated: bool = False
    _unseen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        check_flow(self.flow)
        self._only = frozenset(self.editor.options.only)
        self._unseen = {*self.own, *self._only} - {BACKGROUND}
        # Who shall be translated need not be in every frame; the editor would insist on it.
        self.editor = copy.copy(self.editor)
        # What is to be described anew is so where it is first seen.
        self._retag = self.editor.options.retag
        self.editor.options = replace(self.editor.options, only=[], retag=False)

    def translate(self, number: int, frame: Frame, progress: Progress) -> Frame:
        """The next frame in another style."""
        before = self._before
        if before is not None and np.array_equal(frame, before.scene.picture):
            progress(1, 1, "as the one before")
            return before.styled
        motion = self._follow(frame)
        scene = self._tracks.rename(self._open(frame, motion))
        self._notice(scene)
        done = None if self.kept is None else self.kept.get(number, scene)
        if done is None:
            done = self._done(scene, motion, progress)
            if self.kept is not None:
                self.kept.put(number, done)
        else:
            progress(1, 1, "kept from before")
        self._translated |= bool(done.levels)
        self._tracks.remember(done.scene)
        self._before = done
        return done.styled

    def _done(self, scene: Scene, motion: Motion | None, progress: Progress) -> Done:
        before = self._before
        result = self.editor(
            scene,
            self._chosen(scene),
            start=None if motion is None else self._start(scene.picture, motion),
            levels={} if motion is None or before is None else before.levels,
            progress=progress,
            on_preview=self.on_preview,
        )
        levels = {name: patch.level for name, patch in result.patches.items()}
        return Done(result.scene, result.picture, levels)

    def finish(self) -> None:
        """Say which parts were never there.

        Raises:
            InvalidInput: Nothing was translated, as when a name in ``only`` is misspelt.
        """
        if self._before is not None and not self._translated:
            raise InvalidInput(
                "nothing was translated: no frame shows a part that shall be. Of"
                f" {', '.join(sorted(self._only)) or 'all parts'}, none was there or all are"
                " skipped."
            )
        for name in sorted(self._unseen):
            logger.warning("there was no part %r in any frame, so its options were not used", name)

    def _follow(self, frame: Frame) -> Motion | None:
        """What moved since the frame before; None at the start and after a cut."""
        if self._before is None:
            return None
        before = self._before.scene.picture
        if before.shape != frame.shape:
            raise InvalidInput(
                f"all frames must have one size; got {frame.shape} after {before.shape}."
            )
        motion = motion_between(before, frame)
        self._tracks.follow(motion)
        return None if motion.is_cut else motion

    def _open(self, frame: Frame, motion: Motion | None) -> Scene:
        scene = self.open_scene(frame)
        if scene.picture.shape != frame.shape:
            raise InvalidInput(
                f"the scene of a frame must have its size; got {scene.picture.shape} for"
                f" {frame.shape}."
            )
        if self._retag:
            scene = without_tags(scene)
        if motion is None or self._before is None:
            return scene
        # The tags of the background are among the notes.
        return scene.replace(meta={**self._before.scene.meta, **scene.meta})

    def _start(self, frame: Frame, motion: Motion) -> Frame | None:
        if self.flow == 0 or self._before is None:
            return None
        share = self.flow * motion.trust[..., None]
        moved = motion.warp(self._before.styled)
        return np.rint(frame + share * (moved - frame.astype(np.float32))).astype(np.uint8)

    def _chosen(self, scene: Scene) -> dict[str, PartOptions]:
        """What is different for the parts of a frame."""
        there = [*(one.name for one in scene), BACKGROUND]
        chosen = {name: self.own[name] for name in there if name in self.own}
        if self._only:
            for name in there:
                if name not in self._only:
                    chosen[name] = replace(chosen.get(name, PartOptions()), skip=True)
        return chosen

    def _notice(self, scene: Scene) -> None:
        self._unseen -= {one.name for one in scene}
        if self._before is None and self._unseen:
            logger.warning(
                "the first frame has no %s; it has %s. Their options hold from where they appear.",
                ", ".join(sorted(self._unseen)),
                ", ".join([*(one.name for one in scene), BACKGROUND]),
            )


def _translate(
    clip: _Clip, frames: Iterable[Frame], total: int, progress: Progress | None
) -> Iterator[Frame]:
    for number, frame in enumerate(frames):
        yield clip.translate(number, frame, _within(progress or silent, number, total))
    clip.finish()


def _within(progress: Progress, number: int, total: int) -> Progress:
    """Progress in one frame as that of the whole clip, which never goes back."""
    done = _UNITS * number

    def report(step: int, steps: int, message: str) -> None:
        nonlocal done
        if steps:
            done = max(done, _UNITS * number + _UNITS * step // steps)
        progress(done, _UNITS * total, f"frame {number + 1}: {message}")

    return report
