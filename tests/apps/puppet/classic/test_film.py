"""A whole drawing, from its folder to its frames."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from apps.puppet.classic.character import Drawing, read_drawing
from apps.puppet.classic.film import ClassicFilm, classic_film
from apps.puppet.motion.library import find_motion
from apps.puppet.options import PuppetOptions
from cartoonedit.errors import InvalidInput
from tests.apps.puppet.figures import figure

MOTION = Path("motion") / "dab.yaml"


@pytest.fixture(scope="module")
def film(shared: Path) -> ClassicFilm:
    folder = shared / "fixtures" / "puppet"
    if not (folder / MOTION).is_file():
        pytest.skip("there is no motion of Animated Drawings")
    options = PuppetOptions(
        motion=str(folder / MOTION),
        retarget="classic",
        retarget_file=folder / "retarget" / "fair1_ppf.yaml",
        transparent=True,
        antialias=False,
    )
    return classic_film(read_drawing(folder / "characters" / "char1"), options)


def test_a_drawing_moves_as_in_animated_drawings(film: ClassicFilm, shared: Path) -> None:
    with np.load(shared / "fixtures/puppet/char1_dab.npz") as file:
        known = {key: file[key] for key in ("sel", "arap_f64", "root_pos", "mesh_triangles")}
    assert len(film) == 339
    assert film.fps == 30
    used = np.unique(known["mesh_triangles"])
    expected = known["arap_f64"] + known["root_pos"][:, None, :2]
    found = film.vertices(known["sel"])
    np.testing.assert_allclose(found[:, used], expected[:, used], atol=1e-4)


def test_its_frames_are_those_of_animated_drawings(film: ClassicFilm, shared: Path) -> None:
    first = next(film.frames())
    expected = cv2.imread(str(shared / "fixtures/puppet/frames/char1_dab/0000.png"), -1)
    expected = cv2.cvtColor(expected, cv2.COLOR_BGRA2RGBA)
    assert film.size_wh == (500, 500)
    assert film.transparent
    # The original solves in float32, which moves some parts by a pixel.
    both = (first[..., 3] > 0) & (expected[..., 3] > 0)
    either = (first[..., 3] > 0) | (expected[..., 3] > 0)
    assert both.sum() > 0.98 * either.sum()
    near = [cv2.blur(each[..., :3], (5, 5)).astype(int)[both] for each in (first, expected)]
    assert np.abs(near[0] - near[1]).mean() < 4


def test_the_outline_goes_by_the_grey_values_of_a_mask() -> None:
    colours, mask, skeleton = figure()
    texture = np.dstack([colours, np.full_like(mask, 255)])
    options = PuppetOptions(motion="wave", retarget="classic", transparent=True)
    drawing = Drawing("soft", skeleton.moved(skeleton.points_xy - 0.5), texture, mask)
    hard = replace(drawing, mask=np.where(mask > 128, 255, 0).astype(np.uint8))
    # Steps at whole pixels need more points than smooth lines.
    points = [
        classic_film(each, options).vertices(np.array([0])).shape[1] for each in (drawing, hard)
    ]
    assert points[0] < points[1]


@pytest.mark.parametrize(
    ("frame_time", "fps", "frames"), [(1 / 30, 30, 60), (1 / 120, 120, 60), (1e-6, 240, 1)]
)
def test_frames_a_second_are_those_of_the_motion_as_far_as_clips_have_them(
    tmp_path: Path, frame_time: float, fps: float, frames: int
) -> None:
    motion = tmp_path / "nod.bvh"
    lines = find_motion("nod").read_text().split("MOTION")
    values = lines[1].split("\n")[3:63]
    head = f"MOTION\nFrames: {len(values)}\nFrame Time: {frame_time}\n"
    motion.write_text(lines[0] + head + "\n".join(values) + "\n")
    colours, mask, skeleton = figure()
    drawing = Drawing("any", skeleton, np.dstack([colours, mask]), mask)
    film = classic_film(drawing, PuppetOptions(motion=str(motion), retarget="classic"))
    assert (film.fps, len(film)) == (fps, frames)


def test_a_picture_that_is_very_long_is_refused_before_memory_runs_out() -> None:
    _, _, skeleton = figure()
    mask = np.full((4, 9000), 255, np.uint8)
    drawing = Drawing("snake", skeleton, np.zeros((4, 9000, 4), np.uint8), mask)
    with pytest.raises(InvalidInput, match=r"snake: .* 8192 pixels a side; got 9000x4"):
        classic_film(drawing, PuppetOptions(motion="wave", retarget="classic"))
