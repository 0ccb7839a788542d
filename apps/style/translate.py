"""The way of a picture through a studio: parts to jobs, jobs to colours, colours to a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from apps.style.compose import Patch, clean, compose, compose_fused
from apps.style.fused import translate_together
from apps.style.jobs import Job, Studio
from apps.style.parts import Part
from apps.style.per_instance import translate_apart
from apps.style.tone import match_tones
from apps.style.windows import Window, fit_window, whole_window
from cartoonedit.lineart import draw_lines
from cartoonedit.scene import Scene

__all__ = ["Original", "translate"]


@dataclass(frozen=True)
class Original:
    """What is translated.

    Attributes:
        scene: The picture and its parts.
        shown: What the networks see of it, RGB ``uint8`` ``(H, W, 3)``: the picture, as a rule.
        lines: The picture's line art, ``uint8`` ``(H, W)``.
        levels: Of the windows in the frame before, by the names of the parts.
    """

    scene: Scene
    shown: NDArray[np.uint8]
    lines: NDArray[np.uint8]
    levels: Mapping[str, int] = field(default_factory=dict)


Result = tuple[NDArray[np.uint8], Mapping[str, Patch]]


def translate(studio: Studio, original: Original, parts: Sequence[Part]) -> Result:
    """Translate the edited parts of a picture.

    Args:
        studio: Where it is done.
        original: What is translated.
        parts: All parts, from the back to the front; at least one is edited.

    Returns:
        The new picture, RGB ``uint8`` ``(H, W, 3)``, and the colours of each edited part.
    """
    if studio.options.mode == "fused" and not studio.options.global_only:
        return _together(studio, original, parts)
    return _apart(studio, original, parts)


def _apart(studio: Studio, original: Original, parts: Sequence[Part]) -> Result:
    edited = [part for part in parts if part.edited]
    jobs = [_job(studio, original, part) for part in edited]
    patches = {
        job.part.name: _patch(job.window, worked, studio.size_wh)
        for job, worked in zip(jobs, translate_apart(studio, jobs), strict=True)
    }
    if studio.options.match_tone:
        patches = match_tones(patches, edited)
    # What was made of the plate shows nobody in front of it whose colours were mixed in.
    patches |= {
        part.name: clean(patches[part.name], part) for part in edited if not part.is_background
    }
    scene = original.scene
    plate = scene.plate if any(part.is_background for part in edited) else None
    return compose(scene.picture, plate, parts, patches), patches


def _together(studio: Studio, original: Original, parts: Sequence[Part]) -> Result:
    window = whole_window(studio.size_wh, studio.side, studio.most)
    whole = Job(parts[0], window, window.cut(original.shown), window.cut(original.lines))
    patch = _patch(window, translate_together(studio, parts, whole), studio.size_wh)
    picture = compose_fused(original.scene.picture, patch.colours, parts)
    return picture, {part.name: clean(patch, part) for part in parts if part.edited}


def _job(studio: Studio, original: Original, part: Part) -> Job:
    """A part in its window; the background with everybody painted out."""
    shown, lines = original.shown, original.lines
    if part.is_background:
        scene = original.scene
        # A plate is filled somewhat beyond the masks, where outlines are left of the characters.
        filled = (scene.union_mask() > 0) | (scene.plate != scene.picture).any(axis=2)
        shown = np.where(filled[..., None], scene.plate, shown)
        options = studio.options
        lines = draw_lines(scene.plate, options.chosen_lineart, device=options.device)
    if int(part.mask.min()) == 255:
        window = whole_window(studio.size_wh, studio.side, studio.most)
    else:
        before = original.levels.get(part.name)
        window = fit_window(part.bounds_xyxy, studio.size_wh, studio.side, studio.most, before)
    return Job(part, window, window.cut(shown), window.cut(lines))


def _patch(window: Window, worked: NDArray[np.uint8], size_wh: tuple[int, int]) -> Patch:
    """What was worked on at the picture's scale, without what lies outside of the picture."""
    full = window.place(worked)
    width, height = size_wh
    inside = full[: height - window.top, : width - window.left]
    return Patch(window.left, window.top, inside, window.level)
