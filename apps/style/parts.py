"""Parts: what of a picture is translated, each with its own words and settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from apps.style.options import BACKGROUND, PartOptions, StyleOptions, check_runs
from cartoonedit.errors import InvalidInput
from cartoonedit.layered import back_to_front

if TYPE_CHECKING:
    from cartoonedit.diffusion import Lora
    from cartoonedit.instance import Instance, Tag
    from cartoonedit.scene import Scene

__all__ = ["Part", "plan_parts", "whole_part"]


@dataclass(frozen=True)
class Part:
    """A character, the background, or the whole picture, and what it shall become.

    Attributes:
        name: Of the instance, or ``background``, or ``picture``.
        mask: Its alpha, ``uint8`` ``(H, W)``, also where others hide it.
        visible: Its share of what the picture shows, float32 ``(H, W)``; those of all parts add up
            to 1.
        prompt: Style, own words, tags, quality.
        negative: What must not appear.
        strength: How much may change, above 0 to 1.
        guidance: How strongly the prompt is followed.
        control: How strongly the lines are followed.
        seed: Of the noise.
        loras: That are active for it.
        reference: A picture whose look it takes on.
        tagged: Whether tags are among its words.
        edited: Whether it is translated at all.
    """

    name: str
    mask: NDArray[np.uint8]
    visible: NDArray[np.float32]
    prompt: str
    negative: str
    strength: float
    guidance: float
    control: float
    seed: int
    loras: tuple[Lora, ...] = ()
    reference: Path | None = None
    tagged: bool = False
    edited: bool = True

    @property
    def is_background(self) -> bool:
        """Whether it is what lies behind all characters."""
        return self.name == BACKGROUND

    @property
    def bounds_xyxy(self) -> tuple[int, int, int, int]:
        """The tight box of its mask; right and bottom are exclusive."""
        import cv2

        x, y, width, height = cv2.boundingRect(self.mask)
        return x, y, x + width, y + height


def plan_parts(
    scene: Scene, options: StyleOptions, own: Mapping[str, PartOptions] | None = None
) -> list[Part]:
    """The background and all characters, from the back to the front.

    Args:
        scene: Tagged, where tags are wanted.
        options: For all parts.
        own: What is different for single parts, by name.

    Raises:
        InvalidInput: There is no part of a name.
    """
    own = own or {}
    _check_names(scene, [*options.only, *own])
    order = back_to_front(scene)
    shown = _visible(scene, order)
    full = np.full(scene.picture.shape[:2], 255, np.uint8)
    parts = [_part(BACKGROUND, full, shown[BACKGROUND], _background_tags(scene), options, own)]
    for instance in order:
        parts.append(
            _part(instance.name, instance.mask, shown[instance.name], instance.tags, options, own)
        )
    return parts


def whole_part(
    scene: Scene, options: StyleOptions, own: Mapping[str, PartOptions] | None = None
) -> Part:
    """The picture as a single part that is told the style alone: the paper's baseline.

    What is different for single parts does not count.

    Raises:
        InvalidInput: There is no part of a name.
    """
    _check_names(scene, [*(own or {})])
    full = np.full(scene.picture.shape[:2], 255, np.uint8)
    return _part("picture", full, np.ones(full.shape, np.float32), (), options, {})


def _part(
    name: str,
    mask: NDArray[np.uint8],
    visible: NDArray[np.float32],
    tags: Sequence[Tag],
    options: StyleOptions,
    own: Mapping[str, PartOptions],
) -> Part:
    from prompts import style_prompt

    chosen = own.get(name, PartOptions())
    strength = options.chosen("strength") if chosen.strength is None else chosen.strength
    check_runs(options.steps, strength)
    guidance = options.chosen("guidance") if chosen.guidance is None else chosen.guidance
    control = options.chosen("control") if chosen.control is None else chosen.control
    extra = chosen.prompt
    if chosen.tags is not None:
        extra, tags = ", ".join([extra, *chosen.tags]), ()
    return Part(
        tagged=bool(tags or chosen.tags),
        name=name,
        mask=mask,
        visible=visible,
        prompt=style_prompt(
            options.words,
            tags,
            extra=extra,
            quality=options.quality,
            of="background" if name == BACKGROUND else "character",
        ),
        negative=_negative(name, options) if chosen.negative is None else chosen.negative,
        strength=strength,
        guidance=guidance,
        control=control,
        seed=options.seed if chosen.seed is None else chosen.seed,
        loras=_loras(options, chosen),
        reference=chosen.reference,
        edited=not chosen.skip and (not options.only or name in options.only),
    )


def _negative(name: str, options: StyleOptions) -> str:
    """The negative prompt of a part without one of its own.

    The background's keeps characters away from where they were painted out (paper, section 6.1).
    """
    from prompts import join, negative_prompt, split

    wanted = options.negative
    if wanted is None:
        wanted = (options.style and options.style.negative) or negative_prompt("style")
    if name == BACKGROUND:
        return join([*split(wanted), *split(negative_prompt("background"))])
    return wanted


def _loras(options: StyleOptions, chosen: PartOptions) -> tuple[Lora, ...]:
    from cartoonedit.diffusion import Lora

    loras = options.chosen_loras if chosen.lora is None else chosen.lora
    return tuple(map(Lora.parse, loras))


def _background_tags(scene: Scene) -> Sequence[Tag]:
    from cartoonedit.tagger import background_tags

    return background_tags(scene)


def _visible(scene: Scene, order: Sequence[Instance]) -> dict[str, NDArray[np.float32]]:
    """What each part shows of the picture; the nearer one hides what is behind it."""
    left: NDArray[np.float32] = np.ones(scene.picture.shape[:2], np.float32)
    shown: dict[str, NDArray[np.float32]] = {}
    for instance in reversed(order):
        alpha = instance.mask.astype(np.float32) / np.float32(255)
        shown[instance.name] = left * alpha
        left = np.maximum(left - shown[instance.name], np.float32(0))
    return shown | {BACKGROUND: left}


def _check_names(scene: Scene, names: Sequence[str]) -> None:
    there = [instance.name for instance in scene]
    if BACKGROUND in there:
        raise InvalidInput(
            f"an instance is named {BACKGROUND!r}, which means what is behind all. Rename it."
        )
    for name in names:
        if name not in there and name != BACKGROUND:
            raise InvalidInput(
                f"there is no part {name!r}; this picture has {', '.join([*there, BACKGROUND])}."
            )
