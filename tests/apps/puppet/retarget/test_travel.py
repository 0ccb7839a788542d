"""Characters stay in their room, and go as far as it lets them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.puppet.mesh.bones import BoneFrames
from apps.puppet.poses import Poses
from apps.puppet.retarget import Body, RetargetOptions, retarget
from apps.puppet.retarget.options import Box
from apps.puppet.skeleton import BUST, Skeleton
from tests.apps.puppet.retarget.actors import build, drawn, jumper, walker, waver

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
    poses = retarget(walker(there_and_back=True), drawn(), options)
    x = poses.joints_xy[..., 0]
    over = max(room[0] + reach - x.min(), x.max() - room[2] + reach)
    # With its legs apart it is wider than as drawn: in a narrow room it stands in the middle.
    assert over <= max(4, 30 - left - right)
    if right > 30:
        assert way(poses)[:, 0].max() > 0.5 * min(right, 100)


def test_who_reaches_out_of_the_room_is_moved_aside() -> None:
    """One who holds an arm out, near an edge, and then near another one."""
    motion = build(60, {"LeftArm": ("z", np.linspace(0, 1.5, 60))})
    free = retarget(motion, drawn(), RetargetOptions(travel="free"))
    most = free.joints_xy[..., 0].max()
    for room in ((0, 0, most - 20, 400), (0, 0, 500, free.joints_xy[..., 1].max() + 1)):
        kept = retarget(motion, drawn(), RetargetOptions(room=room))
        np.testing.assert_allclose(np.ptp(way(kept), axis=0), np.ptp(way(free), axis=0), atol=0.1)
        assert (kept.joints_xy.max(axis=(0, 1)) <= room[2:]).all()
        assert kept.joints_xy.min() > 0


def test_what_is_drawn_about_the_bones_stays_in_the_room() -> None:
    """Hair, say: a point far above the head, that swings out of the room with it."""
    skeleton = drawn()
    tip = np.array([skeleton["neck"] - [0, 60]])
    hair = Body.around(
        np.concatenate([skeleton.points_xy, tip]),
        np.array([*range(len(skeleton)), skeleton.index["neck"]]),
    )
    motion = build(60, {"Spine": ("z", np.linspace(0, -1, 60))})
    room = (0.0, 0.0, FIGURE[2] + 10.0, 400.0)
    options = RetargetOptions(room=room, trunk="front", reach=(0, 60, 0, 0))
    rigid = np.zeros(len(skeleton), np.bool_)
    reached = []
    for body in (None, hair):
        poses = retarget(motion, skeleton, options, body=body)
        at = BoneFrames(skeleton, poses.joints_xy, rigid).carry(
            tip, np.array([skeleton.index["neck"]])
        )
        reached.append(float(at[..., 0].max()))
    assert reached[0] > room[2] > reached[1]


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
