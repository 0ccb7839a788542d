from __future__ import annotations

import numpy as np
import pytest

from apps.kenburns import KenBurns
from apps.kenburns.moves import plan
from apps.kenburns.stereo import APART, Eyes, join
from tests.apps.kenburns.stages import STAGES


@pytest.mark.parametrize("name", ["nobody", "standing", "two", "flat"])
@pytest.mark.parametrize("move", ["autozoom", "orbit", "circle", "dolly-zoom"])
def test_both_eyes_fill_the_frame_and_agree_on_the_screen(name: str, move: str) -> None:
    at = STAGES[name]
    camera, q = plan(at, move), at.focus()[2]
    eyes = Eyes(at, camera, q)
    for step in range(33):
        left, right = eyes(camera(step / 32))
        assert at.shortfall(left) == pytest.approx(1, abs=1e-4)
        assert at.shortfall(right) == pytest.approx(1, abs=1e-4)
        assert left.project(0.1, 0.1, q) == pytest.approx(right.project(0.1, 0.1, q), abs=1e-9)
        # The right eye sees what is nearer farther left: it comes out of the screen.
        nearer = (eye.project(0, 0, min(1.0, q + 0.2))[0] for eye in (left, right))
        assert next(nearer) > next(nearer)


def test_parallax_between_the_eyes_is_comfortable() -> None:
    at = STAGES["two"]
    camera = plan(at, "orbit")
    left, right = Eyes(at, camera, at.focus()[2])(camera(0.5))
    for q in (0.25, 1.0):
        apart = abs(left.project(0, 0, q)[0] - right.project(0, 0, q)[0])
        assert apart <= APART


def test_side_by_side_and_anaglyph() -> None:
    rng = np.random.default_rng(0)
    left, right = rng.integers(0, 256, (2, 6, 8, 3), dtype=np.uint8)
    both = join(left, right, "side-by-side")
    np.testing.assert_array_equal(both, np.hstack([left, right]))
    anaglyph = join(left, right, "anaglyph")
    np.testing.assert_array_equal(anaglyph[..., 1:], right[..., 1:])
    grey = np.full((2, 2, 3), 77, np.uint8)
    np.testing.assert_array_equal(join(grey, grey, "anaglyph"), grey)


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"stereo": "side-by-side"}, (72, 256, 3)),
        ({"stereo": "anaglyph"}, (72, 128, 3)),
        ({"stereo": "side-by-side", "transparent": True, "aspect": "1:1"}, (72, 144, 4)),
    ],
)
def test_frames(make_scene, options: dict[str, object], shape: tuple[int, ...]) -> None:
    scene, clip = make_scene("overlap"), KenBurns(duration=0.1, **options)
    frames = list(clip.frames(scene))
    assert [frame.shape for frame in frames] == [shape] * 3
    assert clip.frame_size(scene) == (shape[1], shape[0])
