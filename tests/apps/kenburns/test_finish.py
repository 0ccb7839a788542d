from __future__ import annotations

import numpy as np
import pytest

from apps.kenburns.finish import GRADES, make_finish

FRAME = np.random.default_rng(0).integers(0, 256, (36, 64, 4), dtype=np.uint8)


@pytest.mark.parametrize("channels", [3, 4])
def test_by_default_nothing_changes(channels: int) -> None:
    frame = FRAME[..., :channels]
    np.testing.assert_array_equal(make_finish((64, 36))(frame), frame)


@pytest.mark.parametrize("grade", [*GRADES, "none"])
@pytest.mark.parametrize("vignette", [0.0, 0.5, 1.0])
def test_alpha_stays_and_frames_are_not_changed_in_place(grade: str, vignette: float) -> None:
    before = FRAME.copy()
    result = make_finish((64, 36), vignette=vignette, grade=grade)(FRAME)
    np.testing.assert_array_equal(FRAME, before)
    np.testing.assert_array_equal(result[..., 3], FRAME[..., 3])
    assert result.dtype == np.uint8


def test_a_vignette_darkens_the_corners_most_and_the_middle_not() -> None:
    white = np.full((101, 201, 3), 255, np.uint8)
    seen = make_finish((201, 101), vignette=0.6)(white)[..., 0]
    assert seen[50, 100] == 255
    assert seen[0, 0] == pytest.approx(0.4 * 255, abs=3)
    assert (np.diff(seen[50, 100:].astype(int)) <= 0).all()


@pytest.mark.parametrize(
    ("grade", "channel", "brighter"), [("warm", 0, True), ("warm", 2, False), ("cool", 2, True)]
)
def test_moods(grade: str, channel: int, brighter: bool) -> None:
    grey = np.full((2, 2, 3), 128, np.uint8)
    seen = int(make_finish((2, 2), grade=grade)(grey)[0, 0, channel])
    assert (seen > 128) is brighter


@pytest.mark.parametrize("grade", sorted(GRADES))
def test_a_grade_keeps_the_order_of_levels(grade: str) -> None:
    ramp = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    assert (np.diff(make_finish((256, 1), grade=grade)(ramp).astype(int), axis=1) >= 0).all()
