from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.kenburns import KenBurns
from apps.kenburns.camera import Pose
from apps.kenburns.keyframes import KeyFrame, keyframe_path, read_keyframes
from apps.kenburns.path import Camera
from apps.kenburns.timing import EASINGS
from cartoonedit.errors import InvalidInput
from tests.apps.kenburns.stages import STAGES, STANDING

YAML = """
keyframes:
  - time: 0
  - {time: 1.5, position: [0.1, 0, 0.2], target: hero, zoom: 1.1, easing: smooth, focus: hero}
  - {time: 4, target: [820, 400], focus: 0.5}
"""


def test_yaml_and_json_say_the_same(tmp_path: Path) -> None:
    expected = [
        KeyFrame(0),
        KeyFrame(1.5, (0.1, 0, 0.2), "hero", 1.1, "smooth", "hero"),
        KeyFrame(4, target=(820, 400), focus=0.5),
    ]
    as_yaml, as_json = tmp_path / "camera.yaml", tmp_path / "camera.json"
    as_yaml.write_text(YAML)
    fields = ("time", "position", "target", "zoom", "easing", "focus")
    entries = [{name: getattr(key, name) for name in fields} for key in expected]
    as_json.write_text(json.dumps(entries))
    assert read_keyframes(as_yaml) == expected
    assert read_keyframes(as_json) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "two key frames"),
        ("- time: 0", "two key frames"),
        ("keyframes: 3", "two key frames"),
        ("[1, 2]", "key frame 1 must have a time"),
        ("- {time: 0}\n- {position: [0, 0, 0]}", "key frame 2 must have a time"),
        ("- {time: 0}\n- {time: 1, speed: 3}", "key frame 2 must have a time"),
        ("- {time: 0}\n- {time: 0}", "must be later"),
        ("- {time: -1}\n- {time: 0}", "time must be a number from 0"),
        ("- {time: 0}\n- {time: .nan}", "time must be a number from 0"),
        ("- {time: 0}\n- {time: 1, zoom: 0}", "zoom must be a number from 0.1"),
        ("- {time: 0}\n- {time: 1, zoom: fast}", "zoom must be a number from 0.1"),
        ("- {time: 0}\n- {time: 1, position: [1, 2]}", "position must be 3 numbers"),
        ("- {time: 0}\n- {time: 1, target: [1, 2, 3]}", "target must be 2 numbers"),
        ("- {time: 0}\n- {time: 1, easing: bounce}", "easing must be one of sweep"),
        ("- {time: 0}\n- {time: 1, focus: 2}", "focus must be a number from 0 to 1"),
        ("- {time: 0\n", "is not valid YAML"),
        ("!!python/object/apply:os.system [ls]", "is not valid YAML"),
        ("[" * 5000, "is not valid YAML"),
        ("- {time: 0}\n- {time: 1, easing: [in]}", "easing must be one of sweep"),
        ("- {time: 0}\n- {time: 1, zoom: true}", "zoom must be a number from 0.1"),
        ("- {time: 0}\n- {time: " + "9" * 400 + "}", "time must be a number from 0"),
        ("- {time: 0}\n- {time: " + "9" * 5000 + "}", "is not valid YAML"),
        ("- {time: 0}\n- {time: 0x" + "f" * 5000 + "}", "a very large or broken int"),
        ("- {time: 0}\n" * 5001, "up to 5000; got 5001"),
        ("#" * 1_000_001, "larger than 1000 kB"),
        ("- &a {time: 0}\n- {<<: *a, time: 1}", "merge keys"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nkeyframes: [*b, *b]", "key frame 1 must have a time"),
    ],
)
def test_what_makes_no_sense(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "camera.yaml").write_text(text)
    with pytest.raises(InvalidInput, match=message) as error:
        read_keyframes(tmp_path / "camera.yaml")
    assert len(str(error.value)) < 600
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("number", ["1e-3", "1E-03", "0.001"])
def test_small_numbers_as_json_writes_them(tmp_path: Path, number: str) -> None:
    (tmp_path / "camera.json").write_text(
        f'[{{"time": 0}}, {{"time": {number}, "position": [{number}, 0, -{number}]}}]'
    )
    assert read_keyframes(tmp_path / "camera.json")[1] == KeyFrame(0.001, (0.001, 0, -0.001))


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="has no /dev/zero")
def test_a_file_without_an_end() -> None:
    with pytest.raises(InvalidInput, match="larger than 1000 kB"):
        read_keyframes("/dev/zero")


@pytest.mark.parametrize("target", [(-1.0, 5.0), (64.0, 73.0), (129.0, 5.0)])
def test_a_target_outside_of_the_picture(make_scene, tmp_path: Path, target) -> None:
    path = tmp_path / "camera.json"
    path.write_text(json.dumps([{"time": 0}, {"time": 1, "target": target}]))
    with pytest.raises(InvalidInput, match="key frame 2: its target is outside of the picture"):
        KenBurns(keyframes=path).prepare(make_scene("standing"))


def test_very_many_key_frames_are_no_wait() -> None:
    many = [KeyFrame(index / 30, (0.05 * (index % 2), 0, 0)) for index in range(1000)]
    started = perf_counter()
    camera = Camera(STAGES["two"], keyframe_path(STAGES["two"], many, {}))
    assert perf_counter() - started < 10
    assert all(STAGES["two"].shortfall(camera(s / 999)) < 1 + 1e-5 for s in range(1000))


def test_no_file_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_keyframes(tmp_path / "camera.yaml")
    (tmp_path / "camera.yaml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_keyframes(tmp_path / "camera.yaml")


@given(st.text(max_size=60))
@settings(max_examples=60)
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("keys") / "camera.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        assert len(read_keyframes(path)) >= 2
    except InvalidInput:
        return


keys = st.builds(
    KeyFrame,
    time=st.just(0.0),
    position=st.tuples(st.floats(-0.2, 0.2), st.floats(-0.1, 0.1), st.floats(-0.5, 0.5)),
    zoom=st.floats(0.8, 2),
    easing=st.sampled_from(["sweep", *EASINGS]),
)


@given(st.lists(keys, min_size=2, max_size=5), st.lists(st.floats(0.1, 3), min_size=5, max_size=5))
@settings(max_examples=50, deadline=None)
def test_the_path_goes_through_its_keys_and_fills_the_frame(
    given_keys: list[KeyFrame], gaps: list[float]
) -> None:
    at, time, timed = STAGES["two"], 0.0, []
    for key, gap in zip(given_keys, gaps, strict=False):
        timed.append(KeyFrame(time, key.position, None, key.zoom, key.easing))
        time += gap
    path = keyframe_path(at, timed, {})
    camera = Camera(at, path)
    for knot, key in zip(path.knots, timed, strict=True):
        x, y, z = key.position
        expected = at.fit(Pose(x=x, y=y, z=z, zoom=key.zoom), keep=False)[0]
        for name in ("x", "y", "z", "zoom", "shift_x", "shift_y"):
            assert getattr(camera(knot), name) == pytest.approx(getattr(expected, name), abs=1e-6)
    assert all(at.shortfall(camera(step / 200)) < 1 + 1e-5 for step in range(201))


def test_a_target_is_in_the_middle_of_the_frame() -> None:
    at = STAGES["standing"]
    key = KeyFrame(1, (0.05, 0, 0.3), "hero", 2.0)
    named = replace(at, boxes=(replace(STANDING, name="hero"),))
    path = keyframe_path(named, [KeyFrame(0), key, KeyFrame(2, zoom=3, target=(1, 1))], {2: (0, 0)})
    assert path.at(0.5).project(-0.2, 0.05, STANDING.q) == pytest.approx((0, 0), abs=1e-9)
    assert path.at(1.0).project(0, 0, 0.4) == pytest.approx((0, 0), abs=1e-9)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (KeyFrame(1, (0, 0, 2)), "behind what it should show"),
        (KeyFrame(1, (5, 0, 0)), "sees too little"),
        (KeyFrame(1, (0, -40, 0)), "sees too little"),
        (KeyFrame(1, target="nobody"), "no character 'nobody'"),
    ],
)
def test_a_camera_outside_of_the_world(key: KeyFrame, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        keyframe_path(STAGES["standing"], [KeyFrame(0), key], {})
