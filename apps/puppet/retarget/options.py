"""What can be chosen when a puppet follows a motion."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from cartoonedit.errors import InvalidInput, shown

__all__ = ["Box", "RetargetOptions", "Travel", "View"]

View = Literal["auto", "front", "side"]
"""From where limbs are seen, by the actor's own facing."""

Travel = Literal["auto", "free", "in-place"]
"""How far the root follows the actor."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""

MOST_FRAMES = 200_000


@dataclass(frozen=True)
class RetargetOptions:
    """How a puppet follows a motion.

    Attributes:
        fps: Frames a second of the result, 1..240.
        speed: How much faster than the actor, 0.05..20.
        phase: Where in the motion to start, 0..1; what loops goes on from there, and round.
        duration: Seconds of the result. Loops repeat to fill it, other motions hold their last
            pose. None: the motion once.
        mirror: Left and right exchanged, as in a mirror; who walks to the right walks to the left.
        arms: From where the arms are seen: from the ``front``, from the ``side``, or ``auto``:
            from where they show more of what they do.
        legs: The same for the legs; the root moves as seen from there, too.
        trunk: The same for torso and head; ``auto``: as the legs, unless it bows low.
        faces: Where one who is seen from the side looks to first: ``right`` or ``left``.
        travel: ``free``: where the motion goes. ``in-place``: without its mean drift. ``auto``: as
            ``free``, but only so far that the character stays in the room.
        room: Left, top, right, bottom of what the character must stay in, in pixels of the picture;
            None for no bounds. What already reaches out of it in rest may stay so.
        reach: How far the drawing reaches beyond the outermost joints in rest, in pixels: left,
            top, right, bottom.
        foreshorten: How much bones of arms that point at the viewer get shorter, 0..1: 0 keeps the
            lengths as drawn, 1 shortens as in a picture of the actor.
        foreshorten_legs: The same for legs. Who bends his knees towards the viewer sinks only as
            far as they get shorter.
        give: How much longer or shorter a leg may get, as a share of it, so that both feet stay
            where they stand although the character has other proportions than the actor, 0..0.5.
            With 0, such a foot slides instead.
        blend_in: Seconds in which the drawn pose turns into the motion.

    Raises:
        InvalidInput: A value that is not allowed.
    """

    fps: float = 30.0
    speed: float = 1.0
    phase: float = 0.0
    duration: float | None = None
    mirror: bool = False
    arms: View = "auto"
    legs: View = "auto"
    trunk: View = "auto"
    faces: Literal["right", "left"] = "right"
    travel: Travel = "auto"
    room: Box | None = None
    reach: Box = (0.0, 0.0, 0.0, 0.0)
    foreshorten: float = 0.0
    foreshorten_legs: float = 0.4
    give: float = 0.15
    blend_in: float = 0.0

    def __post_init__(self) -> None:
        bounds = {
            "fps": (1, 240),
            "speed": (0.05, 20),
            "phase": (0, 1),
            "foreshorten": (0, 1),
            "foreshorten_legs": (0, 1),
            "give": (0, 0.5),
            "blend_in": (0, 60),
        }
        for name, (low, high) in bounds.items():
            _check_number(getattr(self, name), low, high, name)
        if self.duration is not None:
            _check_number(self.duration, 0, 3600, "duration")
        if not isinstance(self.mirror, bool):
            raise InvalidInput(f"mirror must be true or false; got {shown(self.mirror)}.")
        choices = {
            **dict.fromkeys(("arms", "legs", "trunk"), get_args(View)),
            "faces": ("right", "left"),
            "travel": get_args(Travel),
        }
        for name, allowed in choices.items():
            value = getattr(self, name)
            if value not in allowed:
                raise InvalidInput(
                    f"{name} must be one of {', '.join(allowed)}; got {shown(value)}."
                )
        if self.room is not None:
            left, top, right, bottom = _check_box(self.room, "room")
            if not (left < right and top < bottom):
                raise InvalidInput(
                    "room must be left, top, right, bottom, with left < right and top < bottom; got"
                    f" {shown(self.room)}."
                )
        if min(_check_box(self.reach, "reach")) < 0:
            raise InvalidInput(
                f"reach must be how far the drawing goes beyond the joints to the left, top, right"
                f" and bottom, none below 0; got {shown(self.reach)}."
            )

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Of all options."""
        return tuple(field.name for field in fields(cls))


def _check_number(value: Any, low: float, high: float, name: str) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        raise InvalidInput(f"{name} must be a number from {low} to {high}; got {shown(value)}.")


def _check_box(value: Any, name: str) -> Box:
    try:
        left, top, right, bottom = (float(each) for each in value)
    except (TypeError, ValueError, OverflowError):
        left = top = right = bottom = math.nan
    if not all(map(math.isfinite, (left, top, right, bottom))):
        raise InvalidInput(
            f"{name} must be four finite numbers, left, top, right, bottom; got {shown(value)}."
        )
    return left, top, right, bottom
