from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.kenburns.timing import EASINGS, LOOPS, progress, times


@pytest.mark.parametrize("name", sorted(EASINGS))
def test_easings_go_from_0_to_1_and_never_back(name: str) -> None:
    values = [EASINGS[name](step / 100) for step in range(101)]
    assert values[0] == 0
    assert values[-1] == pytest.approx(1)
    assert values == sorted(values)


@pytest.mark.parametrize(
    ("count", "loop", "expected"),
    [
        (1, "once", [0.0]),
        (3, "once", [0.0, 0.5, 1.0]),
        (4, "pingpong", [0.0, 0.25, 0.5, 0.75]),
        (4, "seamless", [0.0, 0.25, 0.5, 0.75]),
    ],
)
def test_times_of_frames(count: int, loop: str, expected: list[float]) -> None:
    assert times(count, loop) == expected


@given(st.floats(-2, 3), st.sampled_from(sorted(EASINGS)), st.sampled_from(LOOPS), st.booleans())
def test_progress_is_a_share(t: float, easing: str, loop: str, closed: bool) -> None:
    assert 0 <= progress(t, easing=easing, loop=loop, closed=closed) <= 1


@pytest.mark.parametrize("easing", sorted(EASINGS))
def test_a_clip_shown_once_rests_before_and_after(easing: str) -> None:
    assert progress(-1, easing=easing) == 0
    assert progress(2, easing=easing) == pytest.approx(1)


@pytest.mark.parametrize("loop", ["pingpong", "seamless"])
@pytest.mark.parametrize("count", [2, 3, 24, 25])
def test_a_loop_goes_there_and_back(loop: str, count: int) -> None:
    done = [progress(t, loop=loop) for t in times(count, loop)]
    assert done[0] == 0
    assert max(done) == pytest.approx(1, abs=0.4 if count == 3 else 0.02)
    assert done[1:] == pytest.approx(done[:0:-1])  # the way back is the way there
    assert progress(1.0, loop=loop) == pytest.approx(0)


@pytest.mark.parametrize("closed", [False, True])
def test_a_seamless_loop_has_no_jolt(closed: bool) -> None:
    count = 48
    done = [progress(t, loop="seamless", closed=closed) for t in times(count, "seamless")]
    steps = [(done[(i + 1) % count] - done[i]) for i in range(count)]
    if closed:  # round once: the step over the seam is one round less
        assert steps[-1] + 1 == pytest.approx(steps[0])
        assert max(steps[:-1]) == pytest.approx(min(steps[:-1]))
    else:
        turns = [abs(steps[i] - steps[i - 1]) for i in range(count)]
        assert turns[0] <= max(turns[1:-1]) + 1e-12
        assert abs(steps[-1]) <= max(abs(step) for step in steps[:-1])
