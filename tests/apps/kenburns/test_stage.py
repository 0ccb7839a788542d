from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.kenburns.camera import FAR, Pose
from tests.apps.kenburns.stages import STAGES, disparities, points, poses


@given(poses, st.sampled_from(sorted(STAGES)))
@settings(max_examples=300)
def test_a_fitted_pose_fills_the_frame(pose: Pose, name: str) -> None:
    fitted, _ = STAGES[name].fit(pose)
    assert STAGES[name].shortfall(fitted) == pytest.approx(1, abs=1e-7)
    assert fitted.zoom >= pose.zoom


@given(poses, disparities, points)
def test_no_point_of_a_border_comes_into_a_frame_that_counts_as_filled(
    pose: Pose, mix: float, along: float
) -> None:
    at = STAGES["two"]
    fitted, _ = at.fit(pose)
    for side, (low, high) in enumerate(at.borders):
        q = low + (high - low) * mix
        axis, sign = side % 2, -1 if side < 2 else 1
        point = [along, along]
        point[axis] = sign * at.half_wh[axis]
        shown = fitted.project(point[0], point[1], q)[axis]
        assert sign * shown >= at.frame_wh[axis] - 1e-7


@given(poses)
def test_kept_instances_are_inside(pose: Pose) -> None:
    at = STAGES["two"]
    fitted, kept = at.fit(pose)
    if kept:
        for box in at.boxes:
            left, top = fitted.project(*box.edges[:2], box.q)
            right, bottom = fitted.project(*box.edges[2:], box.q)
            assert left >= -0.5
            assert top >= -0.28
            assert right <= 0.5
            assert bottom <= 0.28 or box.cut[3]


@given(poses)
@settings(max_examples=50)
def test_travel_bounds_every_point(pose: Pose) -> None:
    at = STAGES["two"]
    most = at.travel(pose)
    for u in (-0.5, -0.1, 0.5):
        for v in (-0.28, 0.2, 0.28):
            for q in (FAR, 0.5, 0.9):
                x, y = pose.project(u, v, q)
                # Opposite corners bound a scaling and a shift together, each axis by its own.
                assert math.hypot(x - u, y - v) <= 2 * most + 1e-9
