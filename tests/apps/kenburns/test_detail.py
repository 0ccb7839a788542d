from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from apps.kenburns import KenBurns, shot
from apps.kenburns.camera import Pose
from apps.kenburns.detail import share
from tests.apps.kenburns.known_scene import KnownScene, psnr

LARGE, SMALL = KnownScene(width=640, height=360), KnownScene()
CLOSE = {"end_window": (330, 90, 192, 108), "size_wh": (320, 180)}


@pytest.fixture
def close(monkeypatch: pytest.MonkeyPatch) -> list[shot.Shot]:
    """A camera that comes close to a disc, without and with detail."""
    scene = LARGE.scene(with_plate=True)
    clip = KenBurns(snap_outlines=False, **CLOSE)
    fine = clip.prepare(scene)
    monkeypatch.setattr(shot, "has_detail", lambda *_: False)
    return [clip.prepare(scene), fine]


def test_what_is_magnified_shows_what_the_picture_has(close: list[shot.Shot]) -> None:
    coarse, fine = close
    pose = fine.pose(1.0)
    truth, _ = SMALL.truth(pose)
    everywhere = np.ones(truth.shape[:2], bool)
    before, after = (psnr(one.frame(1.0), truth, everywhere) for one in (coarse, fine))
    assert after > before + 2
    assert after > 38


def test_at_the_scale_of_the_frames_it_makes_no_difference(close: list[shot.Shot]) -> None:
    coarse, fine = close
    np.testing.assert_array_equal(coarse.render(Pose()), fine.render(Pose()))
    np.testing.assert_array_equal(coarse.frame(0.0), fine.frame(0.0))


def test_it_comes_gradually(close: list[shot.Shot]) -> None:
    coarse, fine = close
    moments = np.linspace(0, 1, 41)
    differences = [
        np.abs(fine.frame(t).astype(int) - coarse.frame(t)).mean() for t in map(float, moments)
    ]
    assert max(differences) > 0.4
    assert max(abs(b - a) for a, b in pairwise(differences)) < 0.3  # of a level


def test_share_grows_from_nothing_to_all() -> None:
    shares = [share(scale) for scale in np.linspace(0.5, 3, 50)]
    assert shares == sorted(shares)
    assert (shares[0], share(1.0), shares[-1]) == (0, 0, 1)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (CLOSE, True),
        (CLOSE | {"size_wh": (640, 360)}, False),  # the picture has no more pixels
        ({"size_wh": (320, 180), "move": "sway"}, False),  # nothing is magnified
        (CLOSE | {"aperture": 1.0}, False),
    ],
)
def test_it_is_made_only_where_it_shows(options: dict[str, object], expected: bool) -> None:
    render = KenBurns(**options).prepare(LARGE.scene(with_plate=True)).render
    assert all((one._fine is not None) is expected for one in render._textures)
