"""Tags for the characters of a scene and for what is behind them (paper section 6.2)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, replace
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cartoonedit import hub
from cartoonedit.errors import InvalidInput, ModelNotFound
from cartoonedit.instance import Instance, Tag
from cartoonedit.runtime import Progress, silent

if TYPE_CHECKING:
    from cartoonedit.scene import Scene

__all__ = ["background_tags", "tag_scene", "without_tags"]

logger = logging.getLogger(__name__)

_BACKGROUND = "background_tags"  # in the meta of a scene
_NOTES = f"the scene's meta[{_BACKGROUND!r}]"
_MARGIN = 0.05  # of the longer side, around a character


def tag_scene(
    scene: Scene,
    tagger: Callable[[NDArray[np.uint8]], list[Tag]],
    *,
    progress: Progress | None = None,
    again: bool = False,
) -> Scene:
    """Describe every character by itself, and the background without them.

    A character is shown to the tagger alone, on white.

    Args:
        scene: Its plate is made, if it has none yet.
        tagger: Such as :class:`cartoonedit.tagger.Tagger`.
        progress: Called before each part; may raise to stop.
        again: Describe anew what has tags already, which a person may have written.

    Returns:
        A scene whose instances have tags, and whose ``meta`` has those of the background. Where a
        tagger of the catalogue was not fetched, the scene as it is; that is logged.

    Raises:
        ModelNotFound: A tagger that was named by a path is not there.
    """
    todo = [one for one in scene if again or not one.tags]
    behind = again or _BACKGROUND not in scene.meta
    total, report = len(todo) + behind, progress or silent
    try:
        found: dict[str, tuple[Tag, ...]] = {}
        for step, one in enumerate(todo):
            report(step, total, f"describing {one.name}")
            found[one.name] = tuple(tagger(_on_white(scene, one)))
        instances = [replace(one, tags=found.get(one.name, one.tags)) for one in scene]
        meta = dict(scene.meta)
        if behind:
            report(len(todo), total, "describing the background")
            meta[_BACKGROUND] = [asdict(tag) for tag in tagger(scene.plate)]
    except ModelNotFound as error:
        if str(getattr(tagger, "weights", "")) not in hub.CATALOGUE:  # a path is meant
            raise
        logger.warning("nothing is described, so tags stay as they are: %s", error)
        return scene
    return scene.replace(instances=instances, meta=meta)


def background_tags(scene: Scene) -> list[Tag]:
    """The tags of what is behind the characters; none if nobody described it.

    Raises:
        InvalidInput: The scene's notes hold something else in their place.
    """
    stored: Any = scene.meta.get(_BACKGROUND, [])
    if not isinstance(stored, list):
        raise InvalidInput(f"{_NOTES} must be a list; got {stored!r:.60}.")
    return [_stored_tag(tag) for tag in stored]


def without_tags(scene: Scene) -> Scene:
    """A scene of which nothing is described."""
    meta = {name: value for name, value in scene.meta.items() if name != _BACKGROUND}
    return scene.replace(instances=[replace(one, tags=()) for one in scene], meta=meta)


def _stored_tag(stored: Any) -> Tag:
    """A tag of the notes, which a person may have changed."""
    try:
        name, category = stored["name"], stored.get("category", "general")
        score = float(stored["score"])
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise InvalidInput(
            f"{_NOTES} needs a name and a score in each entry; got {stored!r:.60}."
        ) from error
    if not (isinstance(name, str) and name and isinstance(category, str) and isfinite(score)):
        raise InvalidInput(
            f"{_NOTES}: name and category must be text, and score finite; got {stored!r:.60}."
        )
    return Tag(name, score, category)


def _on_white(scene: Scene, one: Instance) -> NDArray[np.uint8]:
    """A character alone, with a small margin, RGB ``uint8``."""
    x1, y1, x2, y2 = one.bounds_xyxy
    inside = scene.cutout(one)[y1:y2, x1:x2].astype(np.float32)
    alpha = inside[..., 3:] / 255
    alone = np.rint(alpha * inside[..., :3] + (1 - alpha) * 255).astype(np.uint8)
    margin = max(1, round(_MARGIN * max(alone.shape)))
    return np.pad(alone, ((margin, margin), (margin, margin), (0, 0)), constant_values=255)
