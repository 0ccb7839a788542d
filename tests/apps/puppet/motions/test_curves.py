from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.puppet.motions.curves import FPS, Loop, smoothstep

LOOP = Loop(2.0)


@given(
    st.lists(st.integers(0, 59), min_size=2, max_size=8, unique=True),
    st.lists(st.floats(-5, 5), min_size=8, max_size=8),
)
@settings(max_examples=50, deadline=None)
def test_keys_are_met_and_never_overshot(frames: list[int], values: list[float]) -> None:
    keys = [(frame / FPS, value) for frame, value in zip(sorted(frames), values, strict=False)]
    curve = LOOP.keys(*keys)
    for time, value in keys:
        assert curve[round(time * FPS)] == pytest.approx(value, abs=1e-9)
    wanted = [value for _, value in keys]
    assert min(wanted) - 1e-9 <= curve.min() <= curve.max() <= max(wanted) + 1e-9


def test_a_key_may_say_its_speed() -> None:
    curve = LOOP.keys((0, 0, 10.0), (1, 0, -10.0))
    np.testing.assert_allclose(curve[:30], 10 * LOOP.times[:30] * (1 - LOOP.times[:30]), atol=1e-9)


def test_one_key_is_held() -> None:
    assert (LOOP.keys((0.3, 4)) == 4).all()


@pytest.mark.parametrize("hertz", [1.0, 3.0])
def test_what_follows_comes_late_and_swings_over(hertz: float) -> None:
    curve = LOOP.keys((0.2, 0), (0.4, 1), (1.2, 1), (1.4, 0))
    following = LOOP.follow(curve, hertz, 0.3)
    assert following.mean() == pytest.approx(curve.mean())
    assert following.max() > 1.05
    assert following[9] < curve[9]  # half-way up


def test_softening_keeps_the_mean_and_takes_the_edges() -> None:
    curve = (LOOP.times > 1).astype(float)
    soft = LOOP.soften(curve, 0.1)
    assert soft.mean() == pytest.approx(curve.mean())
    assert np.abs(np.diff(soft)).max() < 0.2


def test_sooner_moves_a_curve() -> None:
    curve = LOOP.wave(3)
    np.testing.assert_allclose(LOOP.sooner(curve, 5 / FPS), np.roll(curve, -5), atol=1e-9)
    np.testing.assert_allclose(LOOP.wave(3, late=5 / FPS), np.roll(curve, 5), atol=1e-9)


def test_smoothstep_rests_at_both_ends() -> None:
    assert smoothstep(np.array([-1, 0, 0.5, 1, 2])).tolist() == [0, 0, 0.5, 1, 1]
    assert smoothstep(np.array([0.01]))[0] < 2e-5
