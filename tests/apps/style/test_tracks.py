from __future__ import annotations

import numpy as np
import pytest

from apps.style.motion import motion_between
from apps.style.tracks import Tracks
from cartoonedit.scene import Instance, Scene, Tag
from tests.apps.style.discs import disc, draw, scene_of, texture

Centres = list[tuple[int, int]]


class Follower:
    """Goes through frames as a clip does, and gives the names from left to right."""

    def __init__(self) -> None:
        self.tracks = Tracks()
        self.before: np.ndarray | None = None

    def see(self, centres: Centres, *given: str, frame: np.ndarray | None = None) -> list[str]:
        frame = draw(centres, ground="drawn") if frame is None else frame
        if self.before is not None:
            self.tracks.follow(motion_between(self.before, frame))
        self.before = frame
        self.scene = self.tracks.rename(scene_of(frame, centres, *given))
        self.tracks.remember(self.scene)
        return [one.name for one in self.scene]


@pytest.fixture
def follower() -> Follower:
    return Follower()


def test_a_disc_keeps_its_name_and_a_new_one_gets_a_new_name(follower: Follower) -> None:
    assert follower.see([(70, 60)]) == ["character-1"]
    for x in range(73, 100, 3):
        assert follower.see([(x, 60)]) == ["character-1"]
    # Somebody comes in on the left, where a segmenter begins to count.
    assert follower.see([(30, 60), (103, 60)]) == ["character-2", "character-1"]
    # The first one leaves, and a third comes: its number was nobody's.
    follower.see([(33, 60)])
    for _ in range(14):
        assert follower.see([(33, 60)]) == ["character-2"]
    assert follower.see([(33, 60), (110, 60)]) == ["character-2", "character-3"]


def test_two_that_pass_each_other(follower: Follower) -> None:
    names: dict[int, str] = {}
    for step in range(12):
        up, down = (30 + 8 * step, 36), (126 - 8 * step, 84)
        for (_, y), name in zip(sorted([up, down]), follower.see([up, down]), strict=True):
            assert names.setdefault(y, name) == name
    assert sorted(names.values()) == ["character-1", "character-2"]


def test_one_that_is_not_found_for_a_while_gets_the_name_back(follower: Follower) -> None:
    follower.see([(40, 60), (110, 60)])
    for x in (43, 46, 49):
        frame = draw([(x, 60), (110, 60)], ground="drawn")
        assert follower.see([(110, 60)], frame=frame) == ["character-2"]
    assert follower.see([(52, 60), (110, 60)]) == ["character-1", "character-2"]


def test_after_a_cut_nobody_is_known(follower: Follower) -> None:
    assert follower.see([(50, 60), (110, 60)]) == ["character-1", "character-2"]
    other = draw([(50, 60)], ground="drawn", scene=7)
    assert follower.see([(50, 60)], frame=other) == ["character-3"]


def test_somebody_else_at_the_same_place_is_not_the_same(follower: Follower) -> None:
    """The ground is as before, so it is no cut."""
    follower.see([(50, 60)])
    alpha = disc(50, 60)[..., None] / 255
    other = np.rint(alpha * (255 - texture(9)) + (1 - alpha) * texture(1)).astype(np.uint8)
    assert follower.see([(50, 60)], frame=other) == ["character-2"]


def test_names_that_a_person_gave(follower: Follower) -> None:
    assert follower.see([(40, 60), (110, 60)], "alice", "bob") == ["alice", "bob"]
    assert follower.see([(43, 60), (110, 60)]) == ["alice", "bob"]  # they stay
    assert follower.see([(46, 60), (110, 60)], "", "carol") == ["alice", "carol"]  # and may change


def test_tags_go_with_the_name() -> None:
    tracks, frame = Tracks(), draw([(40, 60), (110, 60)])
    masks = disc(40, 60), disc(110, 60)
    hat, coat = (Tag("hat", 0.9),), (Tag("coat", 0.8),)
    tracks.remember(tracks.rename(Scene(frame, [Instance(masks[0], tags=hat), Instance(masks[1])])))
    tracks.follow(motion_between(frame, frame))
    tagged = tracks.rename(Scene(frame, [Instance(masks[0]), Instance(masks[1], tags=coat)]))
    assert [one.tags for one in tagged] == [hat, coat]


def test_nobody_at_first(follower: Follower) -> None:
    assert follower.see([]) == []
    assert follower.see([(60, 60)]) == ["character-1"]
