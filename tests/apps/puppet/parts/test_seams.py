"""What merely touches comes apart; what one cloth covers does not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from apps.puppet.parts import build_rig
from apps.puppet.parts.seams import drawn_lines
from tests.apps.puppet.figures import figure

SKIRT = np.array([[52, 130], [108, 130], [122, 182], [38, 182]], np.int32)


@pytest.mark.parametrize("line", [False, True])
def test_a_skirt_is_not_cut_between_the_legs_unless_a_line_parts_it(line: bool) -> None:
    colours, mask, skeleton = figure()
    for canvas, ink in ((colours, (200, 60, 90)), (mask, 255)):
        cv2.fillPoly(canvas, [SKIRT], ink)
    if line:
        cv2.line(colours, (80, 132), (80, 184), (20, 10, 20), 3, cv2.LINE_AA)
    rig = build_rig("girl", colours, mask, skeleton)
    x, y = rig.mesh.vertices_xy.T
    within = (np.abs(x - 80) < 12) & (y > 150) & (y < 178)
    places = np.round(rig.mesh.vertices_xy[within], 6)
    doubled = len(places) > len(np.unique(places, axis=0))
    assert doubled is line


def test_lines_are_dark_and_thin() -> None:
    colours, mask, _ = figure()
    cv2.line(colours, (66, 70), (66, 130), (10, 10, 10), 3)
    inside = mask > 127
    lines = drawn_lines(colours, inside)
    assert lines[75:125, 66].all()
    assert not lines[90:110, 80:92].any()  # the middle of a shirt
    assert lines[~inside].all()
