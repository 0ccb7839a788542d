"""Which moment each frame shows, and what lies between frames and round the end of a loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.puppet.retarget.cycle import sample, schmitt, smooth, timetable
from apps.puppet.retarget.options import RetargetOptions
from cartoonedit.errors import InvalidInput
from tests.apps.puppet.retarget.actors import waver


@pytest.mark.parametrize(
    ("motion_loops", "options", "count", "loops", "last"),
    [
        # a second at 30 frames a second
        (True, {}, 30, True, 29),
        (True, {"fps": 60}, 60, True, 29.5),
        (True, {"fps": 24}, 24, True, 28.75),
        (True, {"speed": 2}, 15, True, 28),
        (True, {"duration": 3}, 90, True, 89),
        (True, {"duration": 2.9}, 87, True, 90 - 90 / 87),
        (True, {"duration": 1.5}, 45, False, 44),
        (True, {"blend_in": 0.2}, 30, False, 29),
        (True, {"phase": 0.5}, 30, True, 44),
        (False, {}, 30, False, 29),
        (False, {"speed": 0.5}, 59, False, 29),
        (False, {"duration": 2}, 60, False, 29),
        (False, {"duration": 0.5}, 15, False, 14),
        (False, {"phase": 0.5}, 15, False, 28.5),
        (False, {"duration": 0}, 1, False, 0),
    ],
)
def test_timetable(
    motion_loops: bool, options: dict[str, float], count: int, loops: bool, last: float
) -> None:
    cycle = timetable(waver(motion_loops), RetargetOptions(**options))
    assert (len(cycle.frames), cycle.loops) == (count, loops)
    assert cycle.frames[-1] == pytest.approx(last)


def test_too_many_frames_are_refused() -> None:
    with pytest.raises(InvalidInput, match="frames"):
        timetable(waver(), RetargetOptions(duration=3600, fps=240))


def test_sampling_goes_round_with_its_gain() -> None:
    track = np.array([0.0, 1.0, 2.0, 3.0])
    times = np.array([0.5, 3.5, 4.0, 9.25])
    np.testing.assert_allclose(sample(track, times, True, 4.0), times)
    np.testing.assert_allclose(sample(track, np.array([3.5]), True), [1.5])
    np.testing.assert_allclose(sample(track, np.array([-1.0, 9.0]), False), [0, 3])
    np.testing.assert_allclose(sample(track, np.array([3.6, 1.4]), True, nearest=True), [0, 1])
    np.testing.assert_allclose(sample(track[:1], np.array([0.0]), False), [0])


def test_smoothing_keeps_what_goes_straight() -> None:
    line = np.arange(20.0)
    np.testing.assert_allclose(smooth(line, 3, True, 20.0), line, atol=1e-9)


@given(st.lists(st.sampled_from("+-0"), min_size=1, max_size=20), st.booleans())
def test_a_switch_holds_until_told_otherwise(marks: list[str], loops: bool) -> None:
    on, off = (np.array([m == sign for m in marks]) for sign in "+-")
    found = schmitt(on, off, loops)
    assert found[on].all()
    assert not found[off].any()
    for i in range(0 if loops else 1, len(marks)):
        if marks[i] == "0":
            assert found[i] == found[i - 1]
