"""The named moves, and how far each goes in a scene."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from apps.kenburns.camera import Pose
from apps.kenburns.path import Camera, Path, round_path, straight_path
from apps.kenburns.stage import Stage
from apps.kenburns.windows import window_pose
from cartoonedit.errors import InvalidInput

__all__ = ["MOVES", "PARALLAX", "plan"]

PARALLAX = 0.035
"""How far a move of strength 1 shifts the nearest instance against what is behind it, in frame
widths."""

MOST = 0.3
"""The largest amount: a flat scene has no parallax, however far the camera goes."""

CLOSEST = 2.0
"""The largest zoom: a move that needs more to fill the frame has gone beyond the picture."""

Way = Callable[[Stage, float], Path]
"""``(stage, amount) -> path``: one way to make a move."""


@dataclass(frozen=True)
class Move:
    """A named move.

    Attributes:
        way: How it is made.
        share: The share of the usual parallax that it goes for.
    """

    way: Way
    share: float = 1.0


def plan(stage: Stage, move: str = "autozoom", *, strength: float = 1.0) -> Camera:
    """Choose the camera for a scene.

    A move goes as far as it takes to shift the nearest instance against the plate behind it by
    ``strength`` times 3.5 % of the frame's width.

    Args:
        stage: What the move must respect.
        move: ``autozoom`` or a name in :data:`MOVES`.
        strength: 0 stands still, 1 is normal.

    Returns:
        A camera whose every pose fills the frame. ``autozoom``, ``zoom-in``, ``dolly``,
        ``dolly-zoom`` and ``focus-pull`` start at the identity, ``zoom-out`` ends there.

    Raises:
        InvalidInput: Unknown move.
    """
    if move == "autozoom":
        return Camera(stage, _autozoom(stage, PARALLAX * strength))
    if move not in MOVES:
        names = ", ".join(["autozoom", *MOVES])
        raise InvalidInput(f"move must be one of {names}; got {move!r}.")
    chosen = MOVES[move]
    return Camera(stage, _as_far(stage, chosen.way, PARALLAX * strength * chosen.share))


# ---------------------------------------------------------------- how far


def _as_far(stage: Stage, way: Way, wanted: float, *, keep: bool = False) -> Path:
    """The largest amount within the wanted parallax; with ``keep``, no instance is lost, either."""
    low, high = 0.0, MOST
    for _ in range(20):  # bisection
        middle = (low + high) / 2
        path = way(stage, middle)
        within = all(pose.zoom <= CLOSEST for pose in path.extremes)  # nor infinite
        if not (within and stage.parallax(*path.extremes) <= wanted) or (keep and not path.kept):
            high = middle
        else:
            low = middle
    return way(stage, low)


def _autozoom(stage: Stage, wanted: float) -> Path:
    """Search for the end window with the most parallax in which no instance leaves the frame.

    As in Niklaus et al. 2019, section 5, where the start window is the picture. Of the ends that
    reach the wanted parallax, the one that shows most of the picture is taken; where none does
    with everyone in the frame, the one that gets farthest. Only where all stop before half of it,
    so that one would hardly see it, is half of it made all the same.
    """
    best: tuple[tuple[float, float], Path] | None = None
    for way in _END_WAYS:
        path = _as_far(stage, way, wanted, keep=True)
        reached = stage.parallax(*path.extremes)
        enough = reached >= 0.98 * wanted
        worth = (1.0, -path.extremes[1].scale(stage.focus()[2])) if enough else (0.0, reached)
        if best is None or worth > best[0]:
            best = worth, path
    if best is not None and stage.parallax(*best[1].extremes) >= wanted / 2:
        return best[1]
    return _as_far(stage, _END_WAYS[0], wanted / 2)


# ---------------------------------------------------------------- ways


def _push(x: float, z: float, lens: float) -> Way:
    """From the identity: sideways by ``x``, forward by ``z``, and ``lens`` for zoom, per amount."""

    def way(stage: Stage, amount: float) -> Path:
        end = Pose(x=x * amount, z=z * amount, zoom=1 + lens * amount)
        return straight_path(stage, Pose(), _aim(stage, end))

    return way


def _approach(across: float, down: float) -> Way:
    """To a window that lies aside, by going there; in shares of the room there is."""

    def way(stage: Stage, amount: float) -> Path:
        scale = 1 + 2 * amount
        half_w, half_h = (half * (1 - 1 / scale) for half in stage.frame_wh)
        centre = (across * half_w, down * half_h)
        end = window_pose(centre, scale, stage.focus()[2], share=1.0)
        return straight_path(stage, Pose(), end)

    return way


def _slide(x: float, y: float) -> Way:
    """A window that slides over the picture together with the camera."""

    def way(stage: Stage, amount: float) -> Path:
        ends = [
            Pose(
                x=side * x * amount,
                y=side * y * amount,
                shift_x=-0.7 * side * x * amount,
                shift_y=-0.7 * side * y * amount,
            )
            for side in (-1, 1)
        ]
        zoom = max(stage.shortfall(pose) for pose in ends)
        start, end = (replace(pose, zoom=zoom) for pose in ends)
        return straight_path(stage, start, end)

    return way


def _reversed(way: Way) -> Way:
    """The same way back."""

    def back(stage: Stage, amount: float) -> Path:
        path = way(stage, amount)
        start, end = path.extremes
        return replace(path, at=lambda s: path.at(1 - s), extremes=(end, start))

    return back


def _dolly_zoom(stage: Stage, amount: float) -> Path:
    """Backwards while the lens closes in, so that the instances keep their size: the vertigo."""
    back = 4 * amount
    end = Pose(z=-back, zoom=1 + back * stage.focus()[2])
    return straight_path(stage, Pose(), _aim(stage, end))


def _orbit(stage: Stage, amount: float) -> Path:
    """An arc from left to right, while the lens holds on to the plane of the instances."""
    shift = amount * stage.focus()[2]
    ends = Pose(x=-amount, shift_x=-shift), Pose(x=amount, shift_x=shift)
    return straight_path(stage, *ends, bow=0.3 * amount)


def _circle(across: float, down: float) -> Way:
    """Round an ellipse, while the lens holds on to the plane of the instances."""

    def way(stage: Stage, amount: float) -> Path:
        q = stage.focus()[2]

        def at(s: float) -> Pose:
            angle = 2 * math.pi * s
            x, y = across * amount * math.sin(angle), -down * amount * math.cos(angle)
            return Pose(x=x, y=y, shift_x=x * q, shift_y=y * q)

        return round_path(stage, at)

    return way


def _aim(stage: Stage, pose: Pose) -> Pose:
    """Shift the lens so that the instances stay where they are, and then half way to the middle."""
    u, v, q = stage.focus()
    x, y = pose.project(u, v, q)
    closer = 1 - 0.5 * (1 - 1 / pose.scale(q))
    return replace(pose, shift_x=u * closer - x, shift_y=v * closer - y)


_END_WAYS: tuple[Way, ...] = (
    *(
        _push(side * x, z, 0.0)
        for x, z in ((0.7, 0.7), (1.0, 0.4), (0.3, 1.0), (1.0, 0.0))
        for side in (1, -1)
    ),
    *(_approach(across, down) for across in (0.0, 1.0, -1.0) for down in (0.0, 1.0, -1.0)),
)
"""The ways among which ``autozoom`` chooses: aside, forward, and towards nine windows."""

MOVES: dict[str, Move] = {
    "zoom-in": Move(_push(0.0, 0.8, 0.6)),
    "zoom-out": Move(_reversed(_push(0.0, 0.8, 0.6))),
    "pan-left": Move(_slide(-1.0, 0.0)),
    "pan-right": Move(_slide(1.0, 0.0)),
    "rise": Move(_slide(0.0, -1.0)),
    "dolly": Move(_push(0.0, 1.0, 0.0)),
    "dolly-zoom": Move(_dolly_zoom),
    "orbit": Move(_orbit),
    "circle": Move(_circle(1.0, 0.6)),
    "sway": Move(_circle(1.0, 0.0), share=0.7),
    "focus-pull": Move(_push(0.0, 1.0, 0.0), share=0.4),
}
"""The moves by name, all but ``autozoom``."""
