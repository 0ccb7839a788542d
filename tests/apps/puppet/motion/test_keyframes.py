from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.puppet.motion.keyframes import JointKey, parse_joint_keys, play_keys, read_joint_keys
from apps.puppet.poses import Poses
from cartoonedit.errors import InvalidInput
from tests.apps.puppet.motion.figures import bust, figure

FIGURE = figure()

HAND_UP = """
loop: true
keyframes:
  - time: 0
  - time: 0.5
    easing: smooth
    joints:
      left_hand: [150, 40]
      root: {move_share: [0, -0.05], depth: 1}
      neck: 10
  - time: 1
    joints: {left_hand: rest, root: rest, neck: rest}
"""


def play(data: Any, fps: float = 30.0, **options: Any) -> Poses:
    return play_keys(parse_joint_keys(data), FIGURE, fps, **options)


def joint(poses: Poses, name: str) -> np.ndarray:
    return poses.joints_xy[:, FIGURE.index[name]]


def test_reads_yaml_and_json_alike(tmp_path: Path) -> None:
    (tmp_path / "keys.yaml").write_text(HAND_UP, encoding="utf-8")
    (tmp_path / "keys.json").write_text(
        json.dumps(yaml.safe_load(HAND_UP), indent="\t"), encoding="utf-8-sig"
    )
    one, other = (read_joint_keys(tmp_path / f"keys.{form}") for form in ("yaml", "json"))
    assert (one.frames, one.loop, one.duration) == (other.frames, other.loop, other.duration)
    assert one.loop and one.duration == 1
    assert one.frames[1].joints["left_hand"] == JointKey("at", (150, 40))
    assert one.frames[1].joints["root"] == JointKey("move_share", (0, -0.05), 1)
    assert one.frames[1].joints["neck"] == JointKey("turn", (10,))


def test_plays_a_loop() -> None:
    poses = play(yaml.safe_load(HAND_UP))
    assert len(poses) == 30 and poses.loops and poses.fps == 30
    np.testing.assert_allclose(joint(poses, "left_hand")[15], [150, 40], atol=1e-6)
    np.testing.assert_allclose(poses.joints_xy[0], FIGURE.points_xy, atol=1e-5)
    height = np.ptp(FIGURE.points_xy[:, 1])
    assert joint(poses, "root")[15, 1] == pytest.approx(FIGURE["root"][1] - 0.05 * height)
    assert poses.depth[15, FIGURE.index["root"]] == pytest.approx(1)
    steps = np.linalg.norm(np.roll(poses.joints_xy, -1, axis=0) - poses.joints_xy, axis=2)
    assert steps[-1].max() <= steps.max() * 0.5  # it rests there


def test_turns_counter_clockwise_as_seen_and_keeps_lengths() -> None:
    poses = play([{"time": 0}, {"time": 1, "joints": {"left_elbow": 90}}])
    assert len(poses) == 31 and not poses.loops
    np.testing.assert_allclose(joint(poses, "left_elbow")[-1], [150, 50], atol=1e-9)
    parents = list(FIGURE.parents[1:])
    bones = np.linalg.norm(poses.joints_xy[:, 1:] - poses.joints_xy[:, parents], axis=2)
    assert np.ptp(bones, axis=0).max() < 1e-9


def test_a_later_key_frame_may_leave_a_joint_out() -> None:
    poses = play(
        [
            {"time": 0},
            {"time": 1, "joints": {"neck": {"move": [5, 0]}}},
            {"time": 2, "joints": {"torso": {"turn": 0}, "neck": {"move": [10, 0]}}},
        ]
    )
    assert joint(poses, "neck")[30, 0] == pytest.approx(105)
    assert joint(poses, "neck")[60, 0] == pytest.approx(110)


@pytest.mark.parametrize(
    ("easing", "middle"), [("linear", 5.0), ("in", 2.5), ("out", 7.5), ("sweep", 5.0)]
)
def test_eases(easing: str, middle: float) -> None:
    data = [{"time": 0}, {"time": 1, "easing": easing, "joints": {"root": {"move": [10, 0]}}}]
    x = joint(play(data), "root")[:, 0] - 100
    assert (x[0], x[15], x[30]) == pytest.approx((0, middle, 10))
    if easing == "sweep":
        assert x[1] < 0.1  # from rest


def test_a_held_foot_stays_while_the_body_goes_down() -> None:
    foot = FIGURE["left_foot"].tolist()
    poses = play(
        [
            {"time": 0, "joints": {"left_foot": foot}},
            {"time": 1, "joints": {"root": {"move": [3, 20]}, "left_foot": foot}},
        ]
    )
    np.testing.assert_allclose(joint(poses, "left_foot"), [foot] * 31, atol=1e-6)


@pytest.mark.parametrize(
    ("data", "frames"),
    [
        ({"keyframes": [{"time": 0}, {"time": 2}]}, 61),
        ({"keyframes": [{"time": 1}, {"time": 2}], "duration": 3}, 91),
        ({"keyframes": [{"time": 0}], "loop": True}, 30),
        ({"keyframes": [{"time": 0}, {"time": 1, "joints": {"neck": 5}}], "loop": True}, 60),
        ({"keyframes": [{"time": 1}, {"time": 2, "joints": {"neck": 0}}], "loop": True}, 60),
        ({"keyframes": [{"time": 1, "joints": {"neck": 5}}, {"time": 2, "joints": {"neck": 5}}],
          "loop": True}, 30),
        ({"keyframes": [{"time": 0}, {"time": 1, "joints": {"neck": 5}}], "loop": True,
          "duration": 1.5}, 45),
        ({"keyframes": [{"time": 0}]}, 1),
    ],
)  # fmt: skip
def test_lasts_as_long_as_it_says(data: Any, frames: int) -> None:
    poses = play(data)
    assert len(poses) == frames
    assert np.isfinite(poses.joints_xy).all()


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=5, unique=True),
    st.lists(st.floats(-170, 170), min_size=6, max_size=6),
    st.sampled_from(["sweep", "smooth", "linear"]),
)
@settings(max_examples=40, deadline=None)
def test_a_loop_has_no_jump(times: list[int], turns: list[float], easing: str) -> None:
    keys = [
        {"time": time / 10, "easing": easing, "joints": {"neck": turn}}
        for time, turn in zip([0, *sorted(times)], turns, strict=False)
    ]
    poses = play({"keyframes": keys, "loop": True}, 60)
    neck = joint(poses, "neck")
    steps = np.linalg.norm(np.roll(neck, -1, axis=0) - neck, axis=1)
    assert steps.max() < np.radians(340) * 20 / 6 * 2.1  # the fastest turn in a tenth of a second


def test_a_bust_plays_what_it_has() -> None:
    keys = parse_joint_keys([{"time": 0}, {"time": 1, "joints": {"neck": 20}}])
    assert np.isfinite(play_keys(keys, bust()).joints_xy).all()


WRONG: list[tuple[Any, str]] = [
    ([], "of 1 to 5000; got 0"),
    ("text", "list of key frames"),
    (None, "list of key frames"),
    ({"keyframes": [{"time": 0}], "lop": True}, "may say duration, keyframes, loop; got 'lop'"),
    ({"keyframes": [{"time": 0}], "loop": "yes"}, "loop must be true or false"),
    ({"keyframes": [{"time": 2}], "duration": 1}, "duration must be a number from 2"),
    ([{}], "key frame 1 must have a time"),
    ([{"time": 0, "joint": {}}], "key frame 1 must have a time"),
    ([{"time": 0}, {"time": 0}], "key frame 2: its time"),
    ([{"time": True}], "key frame 1: time must be a number"),
    ([{"time": 0, "easing": "bounce"}], "key frame 1: easing must be one of sweep, linear"),
    ([{"time": 0, "joints": [1]}], "key frame 1: joints must be names"),
    ([{"time": 0, "joints": {"neck": [1]}}], "key frame 1, neck: at must be two numbers"),
    ([{"time": 0, "joints": {"neck": "up"}}], "key frame 1, neck: turn must be a number"),
    ([{"time": 0, "joints": {"neck": {"turn": 1, "at": [1, 2]}}}], "neck must be rest, or one of"),
    ([{"time": 0, "joints": {"neck": {"spin": 1}}}], "neck must be rest, or one of"),
    ([{"time": 0, "joints": {"neck": {"at": [1, float("nan")]}}}], "neck: at must be a number"),
    (
        [{"time": 0, "joints": {"neck": 5}}, {"time": 1, "joints": {"neck": [1, 2]}}],
        "key frame 2, neck: it has at here and turn in key frame 1",
    ),
]


@pytest.mark.parametrize(("data", "text"), WRONG)
def test_says_what_is_wrong(data: Any, text: str) -> None:
    with pytest.raises(InvalidInput, match=text):
        parse_joint_keys(data)


def test_names_an_unknown_joint() -> None:
    with pytest.raises(
        InvalidInput, match="key frame 1: there is no joint 'nose'; there is root, "
    ):
        play([{"time": 0, "joints": {"nose": 5}}])


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), 1e9])
def test_refuses_senseless_rates(fps: float) -> None:
    with pytest.raises(InvalidInput, match="frames a second"):
        play([{"time": 0}, {"time": 5}], fps)


@pytest.mark.parametrize(("name", "text"), [("a.yaml", "a: ["), ("a.json", "{"), ("b.json", None)])
def test_says_what_cannot_be_read(tmp_path: Path, name: str, text: str | None) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInput, match=name):
        read_joint_keys(tmp_path / name)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["time", "joints", "keyframes", "loop", "duration", "neck", "at", "turn"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(ANYTHING)
@settings(max_examples=300, deadline=None)
def test_whatever_is_given_is_refused_in_words_or_played(data: Any) -> None:
    try:
        poses = play_keys(parse_joint_keys(data), FIGURE, 2.0)
    except InvalidInput:
        return
    assert np.isfinite(poses.joints_xy).all()
