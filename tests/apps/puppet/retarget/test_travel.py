"""Characters stay in their room, and go as far as it lets them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.puppet.poses import Poses
from apps.puppet.retarget import RetargetOptions, retarget
from apps.puppet.retarget.options import Box
from apps.puppet.skeleton import BUST, Skeleton
from tests.apps.puppet.retarget.actors import drawn, jumper, walker, waver

FIGURE = (150, 115, 256, 315)  # where the drawn one is


def way(poses: Poses) -> np.ndarray:
    """Of the root, from where it is drawn."""
    return poses.joints_xy[:, drawn().root] - drawn()["root"]


def test_a_path_that_fits_is_kept() -> None:
    free = retarget(walker(), drawn(), RetargetOptions(travel="free"))
    kept = retarget(walker(), drawn(), RetargetOptions(room=(-5000, -5000, 5000, 5000)))
    np.testing.assert_allclose(kept.joints_xy, free.joints_xy)


@given(st.integers(0, 150), st.integers(0, 200), st.integers(0, 20))
def test_the_figure_stays_in_the_room(left: int, right: int, reach: int) -> None:
    room: Box = (FIGURE[0] - left - reach, 0, FIGURE[2] + right + reach, 400)
    options = RetargetOptions(room=room, reach=(reach,) * 4)
    x = way(retarget(walker(there_and_back=True), drawn(), options))[:, 0]
    assert x.min() >= -left - 4  # the joints' box reaches a little beyond FIGURE on the left
    assert x.max() <= right + 4
    if right > 30:
        assert x.max() > 0.5 * min(right, 100)


def test_on_the_spot_there_is_no_drift() -> None:
    x = way(retarget(walker(), drawn(), RetargetOptions(travel="in-place")))[:, 0]
    assert abs(np.polyfit(np.arange(len(x)), x, 1)[0]) * len(x) < 5
    assert np.ptp(way(retarget(walker(), drawn()))[:, 0]) > 5 * np.ptp(x)


@pytest.mark.parametrize(("above", "height"), [(0, 0), (20, 20), (300, 50)])
def test_flights_are_as_high_as_the_room(above: int, height: int) -> None:
    room = (0, FIGURE[1] - above, 400, 400)
    y = way(retarget(jumper(), drawn(), RetargetOptions(room=room)))[:, 1]
    assert -y.min() == pytest.approx(height, abs=4)


def test_a_loop_that_travels_leads_back_only_on_the_spot() -> None:
    loop = walker(90, loops=True)
    assert np.abs(loop.travel[0]) > 1
    assert not retarget(loop, drawn(), RetargetOptions(travel="free")).loops
    for options in (RetargetOptions(travel="in-place"), RetargetOptions(room=(0, 0, 400, 400))):
        poses = retarget(loop, drawn(), options)
        assert poses.loops
        step = np.abs(np.diff(poses.joints_xy[:, 0], axis=0)).max()
        assert np.abs(poses.joints_xy[0, 0] - poses.joints_xy[-1, 0]).max() < 3 * step + 1


def test_what_reaches_out_of_the_room_as_drawn_goes_no_farther() -> None:
    x = way(retarget(walker(), drawn(), RetargetOptions(room=(180, 0, 220, 400))))[:, 0]
    np.testing.assert_allclose(x, 0, atol=1e-6)


def test_a_bust_that_the_edge_cuts_opens_no_gap() -> None:
    whole = drawn()
    bust = Skeleton.build({name: tuple(whole[name]) for name in BUST}, BUST)
    room = (0, 0, 400, 221)
    y = retarget(walker(), bust, RetargetOptions(room=room)).joints_xy[:, bust.root, 1]
    assert y.min() >= bust["root"][1] - 1e-9
    assert np.ptp(y) > 0.1


def test_one_who_stands_stays() -> None:
    np.testing.assert_allclose(way(retarget(waver(), drawn())), 0, atol=5)
