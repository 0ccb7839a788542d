"""Shows of whole scenes: who moves, what stays, and what is in a frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from apps.puppet import Puppet
from apps.puppet.motion.library import motion_names
from apps.puppet.options import PuppetOptions
from apps.puppet.show import make_show
from cartoonedit.errors import Cancelled, InvalidInput
from cartoonedit.scene import Instance, Scene
from tests.apps.puppet.scenes import PLACES, SIZE_WH, make_scene

REST = "loop: false\nkeyframes:\n- {time: 0}\n- {time: 0.2}\n"


@pytest.fixture
def rest(tmp_path: Path) -> str:
    """A motion without any."""
    (tmp_path / "rest.yaml").write_text(REST)
    return str(tmp_path / "rest.yaml")


def all_frames(scene: Scene, **options: Any) -> list[np.ndarray]:
    return list(make_show(scene, PuppetOptions(**options)).frames())


def assert_as_drawn(frame: np.ndarray, scene: Scene, where: np.ndarray | None = None) -> None:
    """Equal to the picture within one level; soft edges, freed from the background, nearly so."""
    difference = np.abs(frame.astype(int) - scene.picture).max(axis=2)
    alpha = scene.union_mask()
    soft = (alpha > 0) & (alpha < 255)
    if where is not None:
        difference, soft = difference[where], soft[where]
    assert difference[~soft].max() <= 1
    assert difference[soft].max() < 30
    assert difference[soft].mean() < 6


@pytest.mark.parametrize("cut", [True, False])
def test_a_show_without_motion_is_the_picture(rest: str, cut: bool) -> None:
    scene = make_scene()
    for frame in all_frames(scene, motion=rest, cut=cut):
        assert_as_drawn(frame, scene)
        outside = scene.union_mask() == 0
        np.testing.assert_array_equal(frame[outside], scene.plate[outside])


@pytest.mark.parametrize("motion", ["dance", "walk"])
def test_beyond_the_reach_of_puppets_the_plate_stays(motion: str) -> None:
    scene = make_scene()
    show = make_show(scene, PuppetOptions(motion=motion, duration=1, fps=8))
    for index, frame in enumerate(show.frames()):
        near = np.zeros(frame.shape[:2], bool)
        for actor in show.actors.values():
            points = actor.vertices(slice(index, index + 1))[0]
            (left, top), (right, bottom) = points.min(axis=0) - 2, points.max(axis=0) + 2
            near[max(0, int(top)) : int(bottom) + 1, max(0, int(left)) : int(right) + 1] = True
        np.testing.assert_array_equal(frame[~near], scene.plate[~near])
        assert (frame[near] != scene.plate[near]).any()


def test_each_does_its_own_thing(rest: str) -> None:
    """One rests, and is drawn as in the picture, while the other dances far from it."""
    scene = make_scene()
    frames = all_frames(
        scene,
        motion="wave",
        motion_for=[f"character-2={rest}"],
        duration=1,
        fps=6,
        travel="in-place",
    )
    here = scene["character-2"].mask > 0
    for frame in frames:
        assert_as_drawn(frame, scene, here)
    there = scene["character-1"].mask > 0
    assert (frames[0][there] != frames[3][there]).any()


def test_only_one_moves() -> None:
    scene = make_scene()
    frames = all_frames(scene, motion="dance", only=["character-1"], duration=1, fps=6)
    left = np.s_[:, 115:]
    for frame in frames:
        assert np.abs(frame[left].astype(int) - scene.picture[left]).max() <= 1


def test_phase_and_mirror_are_for_each() -> None:
    scene = make_scene((*PLACES[:1], (150.0, 90.0)))
    options = {"motion": "dance", "duration": 1, "fps": 10, "travel": "in-place"}
    show = make_show(scene, PuppetOptions(**options))
    alike = [actor.poses.joints_xy - actor.poses.joints_xy[:, :1] for actor in show.actors.values()]
    np.testing.assert_allclose(alike[0], alike[1], atol=1e-6)
    apart = make_show(scene, PuppetOptions(phase=["character-2=0.5"], **options))
    assert np.abs(apart.actors["character-2"].poses.joints_xy - alike[1]).max() > 1
    mirrored = make_show(scene, PuppetOptions(mirror=["character-2"], **options))
    index = show.actors["character-2"].rig.skeleton.index
    one = mirrored.actors["character-1"].poses.joints_xy
    other = mirrored.actors["character-2"].poses.joints_xy
    hand = one[:, index["left_hand"]] - one[:, index["left_shoulder"]]
    mirrored_hand = other[:, index["right_hand"]] - other[:, index["right_shoulder"]]
    np.testing.assert_allclose(hand * (-1, 1), mirrored_hand, atol=0.5)


@pytest.mark.parametrize("options", [{}, {"supersample": 2}, {"antialias": False}])
def test_transparent_frames(options: dict[str, Any]) -> None:
    scene = make_scene()
    frames = all_frames(scene, motion="nod", transparent=True, duration=0.2, fps=10, **options)
    for frame in frames:
        assert frame.shape[2] == 4
        assert frame[..., 3].max() == 255
        assert not frame[0].any()


def test_the_frame_fits_whatever_moves() -> None:
    scene = make_scene(PLACES[:1])
    show = make_show(scene, PuppetOptions(motion="jump", frame="fit", background="#00ff00", fps=12))
    for frame in show.frames():
        assert frame.shape[:2] == show.size_wh[::-1]
        border = np.concatenate([frame[0], frame[-1], frame[:, 0], frame[:, -1]])
        assert (border == (0, 255, 0)).all()
        assert (frame != (0, 255, 0)).any()


@pytest.mark.parametrize("size_wh", [(110, 70), (440, 280), (100, 100), (1, 1)])
def test_other_sizes(rest: str, size_wh: tuple[int, int]) -> None:
    scene = make_scene()
    (frame, *_) = all_frames(scene, motion=rest, size_wh=size_wh)
    assert frame.shape == (size_wh[1], size_wh[0], 3)
    if size_wh == (110, 70):
        halved = scene.picture.reshape(70, 2, 110, 2, 3).mean(axis=(1, 3))
        assert np.abs(frame - halved).mean() < 2


def test_grey_stays_grey() -> None:
    for frame in all_frames(make_scene(grey=True), motion="dance", duration=0.5, fps=6):
        assert (frame[..., 0] == frame[..., 1]).all()
        assert (frame[..., 0] == frame[..., 2]).all()


def test_same_seed_same_frames() -> None:
    scene = make_scene()
    one, two = (all_frames(scene, motion="cheer", duration=0.5, fps=8) for _ in range(2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("motion", motion_names())
@pytest.mark.parametrize("retarget", ["natural", "classic"])
def test_every_motion_of_ours(motion: str, retarget: Any) -> None:
    scene = make_scene(PLACES[:1])
    frames = all_frames(scene, motion=motion, retarget=retarget, duration=0.3, fps=10)
    assert len(frames) == 3
    assert all(frame.shape == (SIZE_WH[1], SIZE_WH[0], 3) for frame in frames)


def test_who_is_cut_off_by_the_picture_goes_on_outside_of_it() -> None:
    """A figure that the lower border cuts leaves no gap when it rises."""
    scene = make_scene([(60.0, 132.0)])
    assert scene["character-1"].bounds_xyxy[3] == SIZE_WH[1]
    show = make_show(scene, PuppetOptions(motion="idle", duration=0.2, fps=10))
    rig = show.actors["character-1"].rig
    assert rig.mesh.vertices_xy[:, 1].max() > SIZE_WH[1] + 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"only": ["nobody"]}, "only: there is no character 'nobody'; there is character-1"),
        ({"motion": "waltz"}, "there is no motion 'waltz'"),
        ({"motion": "nowhere.bvh"}, "there is no file 'nowhere.bvh'"),
    ],
)
def test_what_cannot_be_shown(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make_show(make_scene(), PuppetOptions(**options))


def test_nobody_there() -> None:
    with pytest.raises(InvalidInput, match="there is no character in the scene"):
        make_show(Scene(np.zeros((4, 4, 3), np.uint8)), PuppetOptions())


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 2)])
def test_tiny_scenes(shape: tuple[int, int]) -> None:
    """One pixel can dance, too."""
    scene = Scene(
        np.full((*shape, 3), 90, np.uint8),
        [Instance(np.full(shape, 255, np.uint8))],
        plate=np.zeros((*shape, 3), np.uint8),
    )
    frames = all_frames(scene, motion="dance", duration=0.2, fps=10)
    assert frames[0].shape == (*shape, 3)


def test_stops_when_told(tmp_path: Path) -> None:
    def stop(step: int, total: int, message: str) -> None:
        if message == "rendering" and step == 2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        Puppet(motion="nod")(make_scene(), tmp_path / "clip.gif", stop)
    assert not list(tmp_path.iterdir())


def test_a_clip_of_a_drawing_on_paper(tmp_path: Path) -> None:
    from apps.puppet.drawings import on_paper

    scene = make_scene(PLACES[:1])
    ink = np.full_like(scene.picture, 245)
    ink[scene["character-1"].mask > 0] = 40
    drawn = on_paper(Scene(ink))
    show = Puppet(motion="nod", duration=0.2).prepare(drawn)
    (frame, *_) = show.frames()
    assert (frame[0] == 255).all()  # the paper is left out
    assert show.size_wh != scene.size_wh


def test_uncertain_joints_are_told(caplog: pytest.LogCaptureFixture) -> None:
    scene = make_scene(PLACES[:1])
    blob = np.zeros(scene.picture.shape[:2], np.uint8)
    blob[40:100, 20:110] = 255
    for instance in (Instance(blob), scene["character-1"]):
        make_show(scene.replace(instances=[instance]), PuppetOptions(duration=0.1))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "the joints are uncertain" in caplog.text


def test_unknown_option_lists_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match="The options are: motion, motion_for"):
        Puppet(dance=True)


@pytest.mark.parametrize("frame", ["picture", "fit"])
@pytest.mark.parametrize("motion", ["walk", "jump", "cheer", "bow"])
def test_nobody_leaves_the_frame(motion: str, frame: Literal["picture", "fit"]) -> None:
    options = PuppetOptions(motion=motion, frame=frame, transparent=True, fps=10)
    for seen in make_show(make_scene([(110.0, 78.0)]), options).frames():
        alpha = seen[..., 3]
        assert not (alpha[[0, -1]].any() or alpha[:, [0, -1]].any())
