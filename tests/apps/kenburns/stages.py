"""Stages and poses that several tests try."""

from __future__ import annotations

from hypothesis import strategies as st

from apps.kenburns.camera import FAR, Pose
from apps.kenburns.stage import Box, Stage

NEAR_FLOOR = 0.6
BORDERS = ((FAR, NEAR_FLOOR), (FAR, FAR), (FAR, NEAR_FLOOR), (NEAR_FLOOR, NEAR_FLOOR))

poses = st.builds(
    Pose,
    x=st.floats(-0.2, 0.2),
    y=st.floats(-0.2, 0.2),
    z=st.floats(-0.5, 0.5),
    zoom=st.floats(0.5, 2),
    shift_x=st.floats(-0.2, 0.2),
    shift_y=st.floats(-0.2, 0.2),
)
disparities = st.floats(FAR, 1)
points = st.floats(-0.5, 0.5)


def stage(*boxes: Box, borders: tuple[tuple[float, float], ...] = BORDERS) -> Stage:
    return Stage((0.5, 0.28), (0.5, 0.28), borders, boxes, spread=(FAR, NEAR_FLOOR))


STANDING = Box((-0.3, -0.1, -0.1, 0.2), q=0.7, behind=0.35)
CUT = Box((0.0, -0.15, 0.3, 0.28), q=0.9, behind=0.4, cut=(False, False, False, True))
TIGHT = Box((-0.49, -0.27, 0.49, 0.28), q=0.9, behind=0.4, cut=(False, False, False, True))
WHOLE = Box((-0.5, -0.28, 0.5, 0.28), q=0.9, behind=FAR, cut=(True,) * 4)
NEAR_BORDERS = tuple((low, 0.9) for low, _ in BORDERS)
STAGES = {
    "nobody": stage(),
    "standing": stage(STANDING),
    "two": stage(STANDING, CUT, borders=(*BORDERS[:3], (NEAR_FLOOR, 0.9))),
    "tight": stage(TIGHT, borders=(*BORDERS[:3], (NEAR_FLOOR, 0.9))),
    "whole": stage(WHOLE, borders=NEAR_BORDERS),
    "flat": Stage((0.5, 0.28), (0.5, 0.28), ((FAR, FAR),) * 4, spread=(FAR, FAR)),
    "tall frame": Stage((0.5, 0.28), (0.1, 0.28), BORDERS, (CUT,)),
}
