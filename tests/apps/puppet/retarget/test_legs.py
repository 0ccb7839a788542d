"""Legs give as little as they can, and reach as far as they may."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from apps.puppet.retarget.legs import find_legs, mend
from tests.apps.puppet.retarget.actors import drawn


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.05, 0.15, 0.5]))
def test_bones_give_as_little_as_reaches_their_spot_and_no_more(seed: int, give: float) -> None:
    rng = np.random.default_rng(seed)
    skeleton = drawn()
    leg = find_legs(skeleton)[0]
    joints = np.zeros((1, len(skeleton), 2))
    bones = rng.normal(0, 40, (2, 2))
    joints[0, list(leg.chain[1:])] = np.cumsum(bones, axis=0)
    missing = rng.normal(0, 12, (1, 2))
    mended = np.diff(mend(joints, leg, missing, give)[0, list(leg.chain)], axis=0)
    share = np.linalg.norm(mended, axis=1) / np.linalg.norm(bones, axis=1)
    assert (np.abs(share - 1) <= give + 1e-9).all()
    if give == 0:
        return
    # Its bones are turned a little, and then only as long as they must be.
    turned = mended / share[:, None]
    rest = missing[0] + bones.sum(axis=0) - turned.sum(axis=0)
    damped = np.vstack([turned.T, np.eye(2) * 0.06 * leg.length])
    best = lsq_linear(damped, np.append(rest, [0, 0]), (-give, give), tol=1e-12).x
    np.testing.assert_allclose(share - 1, best, atol=2e-3)


@pytest.mark.parametrize("shape", [(0, 0), (30, 0)])
def test_bones_without_length_do_no_harm(shape: tuple[float, float]) -> None:
    skeleton = drawn()
    leg = find_legs(skeleton)[0]
    joints = np.zeros((2, len(skeleton), 2))
    joints[:, leg.foot] = shape
    assert np.isfinite(mend(joints, leg, np.full((2, 2), 50.0), 0.15)).all()
