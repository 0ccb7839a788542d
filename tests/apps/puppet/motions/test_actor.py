from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.puppet.motion.bvh import Bvh
from apps.puppet.motions.actor import LEG, Arm, Foot, Pose, perform, reach


def places(pose: Pose) -> dict[str, np.ndarray]:
    bvh: Bvh = perform(pose, 1)
    return dict(zip(bvh.names, bvh.positions()[0], strict=True))


@pytest.mark.parametrize(
    ("arm", "direction"),
    [
        (Arm(out=0, front=0), (0, -1, 0)),
        (Arm(out=90, front=0), (1, 0, 0)),
        (Arm(out=180, front=0), (0, 1, 0)),
        (Arm(out=0, front=60), (0, -0.5, 0.75**0.5)),
    ],
)
@pytest.mark.parametrize("side", ["Left", "Right"])
def test_arm_points_where_it_is_told(
    arm: Arm, direction: tuple[float, float, float], side: str
) -> None:
    pose = Pose()
    pose.arms[side] = arm
    at = places(pose)
    bone = at[f"{side}ForeArm"] - at[f"{side}Arm"]
    mirror = [1 if side == "Left" else -1, 1, 1]
    np.testing.assert_allclose(bone / np.linalg.norm(bone), np.array(direction) * mirror, atol=1e-3)


@given(
    x=st.floats(-12, 12), z=st.floats(-20, 20), lift=st.floats(0, 40), roll=st.floats(-30, 60),
    yaw=st.floats(-60, 60), knee_out=st.floats(0, 90), turn=st.floats(-30, 30),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_leg_puts_its_foot_where_it_is_told(
    x: float, z: float, lift: float, roll: float, yaw: float, knee_out: float, turn: float
) -> None:
    pose = Pose(y=84.0, turn=turn)
    pose.feet["Left"] = Foot(x + 10, z, lift, roll, yaw, knee_out)
    at = places(pose)
    thigh, shin = at["LeftLeg"] - at["LeftUpLeg"], at["LeftFoot"] - at["LeftLeg"]
    assert np.linalg.norm(thigh) + np.linalg.norm(shin) == pytest.approx(LEG)
    share = float(reach(pose, "Left", 1)[0])
    if share < 0.999:
        gap = at["LeftFoot"] - at["LeftUpLeg"]
        assert np.linalg.norm(gap) == pytest.approx(share * LEG, abs=0.05)
        if roll >= 0:  # it stands on its ball
            ball = [x + 10 + 13 * np.sin(np.radians(yaw)), z + 13 * np.cos(np.radians(yaw))]
            np.testing.assert_allclose(at["LeftToe"], [ball[0], 2 + lift, ball[1]], atol=0.05)


def test_leans_and_turns_to_the_left() -> None:
    assert places(Pose(lean=20))["Head"][0] > 10
    assert places(Pose(bend=20))["Head"][2] > 10
    assert places(Pose(turn=30))["LeftArm"][2] < -5


def test_no_angle_jumps() -> None:
    frames = 60
    pose = Pose()
    pose.arms["Left"] = Arm(out=np.linspace(0, 200, frames), front=10.0)
    values = perform(pose, frames).values
    assert np.abs(np.diff(values, axis=0)).max() < 20
