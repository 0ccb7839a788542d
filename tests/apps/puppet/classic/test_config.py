from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.puppet.classic.config import read_motion_config, read_retarget_config
from cartoonedit.errors import InvalidInput
from tests.apps.puppet.classic.actors import MOTION, MOTION_YAML, RETARGET, RETARGET_YAML


def motion_file(folder: Path, text: str = MOTION_YAML) -> Path:
    (folder / "dance.bvh").touch()
    file = folder / "dance.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def retarget_file(folder: Path, text: str = RETARGET_YAML) -> Path:
    file = folder / "retarget.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_what_files_say(tmp_path: Path) -> None:
    motion = read_motion_config(motion_file(tmp_path))
    assert motion == replace(MOTION, filepath=tmp_path / "dance.bvh")
    assert read_retarget_config(retarget_file(tmp_path)) == RETARGET


@pytest.mark.parametrize(
    ("old", "new", "field", "value"),
    [
        ("start_frame_idx: 0\n", "", "start_frame_idx", 0),
        ("start_frame_idx: 0", "start_frame_idx: null", "start_frame_idx", 0),
        ("start_frame_idx: 0", "start_frame_idx: 7", "start_frame_idx", 7),
        ("end_frame_idx: 0\n", "", "end_frame_idx", None),
        ("end_frame_idx: 0", "end_frame_idx: 12", "end_frame_idx", 12),
        ("up: +y", "up: +z", "up", "+z"),
        ("up: +y", "up: +y\nframe_time: 0.02", "frame_time", 0.02),
        ("up: +y", "up: +y\nframe_time: 1", "frame_time", 1.0),
        ("up: +y", "up: +y\nno_such_key: {a: [1]}", "up", "+y"),
        ("0.5", "5e-1", "scale", 0.5),
        ("LeftFoot", "mixamorig:LeftFoot", "groundplane_joint", "mixamorig:LeftFoot"),
        ("LeftFoot", "12", "groundplane_joint", "12"),
    ],
)
def test_fields_of_a_motion(tmp_path: Path, old: str, new: str, field: str, value: object) -> None:
    config = read_motion_config(motion_file(tmp_path, MOTION_YAML.replace(old, new)))
    assert getattr(config, field) == value


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (MOTION_YAML, "", "must be a mapping"),
        (MOTION_YAML, "- 1", "must be a mapping"),
        ("filepath: dance.bvh", "", "lacks 'filepath'. It has start_frame_idx"),
        ("filepath: dance.bvh", "filepath: [1]", "filepath must be a name"),
        ("groundplane_joint: LeftFoot", "", "lacks 'groundplane_joint'"),
        ("LeftFoot", "null", "groundplane_joint must be a name; got None"),
        ("LeftFoot", "yes", "groundplane_joint must be a name; got True"),
        ("scale: 0.5", "", "lacks 'scale'"),
        ("0.5", "0", "scale must be larger than 0"),
        ("0.5", "-1", "scale must be a number from 0"),
        ("0.5", "big", "scale must be a number .* got 'big'"),
        ("0.5", ".nan", "scale must be a number"),
        ("up: +y", "", "lacks 'up'"),
        ("+y", "-z", r"up must be '\+y' or '\+z'; got '-z'"),
        ("+y", "[]", r"up must be '\+y' or '\+z'"),
        ("start_frame_idx: 0", "start_frame_idx: -1", "start_frame_idx must be a number from 0"),
        ("start_frame_idx: 0", "start_frame_idx: 1.5", "start_frame_idx must be a whole number"),
        ("end_frame_idx: 0", "end_frame_idx: .inf", "end_frame_idx must be a number"),
        ("start_frame_idx: 0\nend_frame_idx: 0", "start_frame_idx: 5\nend_frame_idx: 5", "larger"),
        ("+y", "+y\nframe_time: 0", "frame_time must be a number"),
        ("  - - LeftLeg\n    - RightLeg\n", "", "at least 1; got None"),
        (
            "  - - LeftLeg\n    - RightLeg\n",
            "  - LeftLeg\n",
            "each a pair of joints, must be a list",
        ),
        ("    - RightLeg\n", "", "a list of at least 2"),
        ("    - RightLeg\n", "    - RightLeg\n    - Hips\n", "must be 2 names; got 3"),
    ],
)
def test_what_is_told_of_a_motion(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as told:
        read_motion_config(motion_file(tmp_path, MOTION_YAML.replace(old, new)))
    assert "dance.yaml" in str(told.value)


@pytest.mark.parametrize(
    ("named", "at"),
    [
        ("dance.bvh", "config/motion/dance.bvh"),
        ("bvh/fair/dance.bvh", "bvh/fair/dance.bvh"),
        ("bvh\\fair\\dance.bvh", "bvh/fair/dance.bvh"),
        ("examples/bvh/dance.bvh", "config/examples/bvh/dance.bvh"),
        ("examples/bvh/dance.bvh", "config/motion/dance.bvh"),
        ("examples/bvh/dance.bvh", "config/motion/motions/dance.bvh"),
        ("examples/bvh/dance.bvh", "config/motions/dance.bvh"),
        ("examples/bvh/dance.bvh", "config/bvh/dance.bvh"),
    ],
)
def test_where_the_motion_is_found(tmp_path: Path, named: str, at: str) -> None:
    place = tmp_path / at
    place.parent.mkdir(parents=True)
    place.touch()
    file = tmp_path / "config" / "motion" / "any.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(MOTION_YAML.replace("dance.bvh", named))
    assert read_motion_config(file).filepath.resolve() == place.resolve()


def test_the_current_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = motion_file(tmp_path)
    here = tmp_path / "here"
    here.mkdir()
    (here / "dance.bvh").touch()
    monkeypatch.chdir(here)
    assert read_motion_config(file).filepath.resolve() == here / "dance.bvh"


def test_a_motion_that_is_nowhere(tmp_path: Path) -> None:
    for named in ("bvh/walk.bvh", "walk\\0.bvh", "w" * 5000):
        file = motion_file(tmp_path, MOTION_YAML.replace("dance.bvh", f'"{named}"'))
        with pytest.raises(InvalidInput, match="there is no motion") as told:
            read_motion_config(file)
    file = motion_file(tmp_path, MOTION_YAML.replace("dance.bvh", "bvh/walk.bvh"))
    with pytest.raises(InvalidInput, match=r"there is no motion 'bvh/walk\.bvh'") as told:
        read_motion_config(file)
    for folder in (tmp_path / "bvh", tmp_path, tmp_path / "motions"):
        assert re.search(rf"{re.escape(str(folder))}[,.] ", str(told.value))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (RETARGET_YAML, "[]", "must be a mapping"),
        ("char_starting_location: [0.1, 0.2, -0.5]", "", "lacks 'char_starting_location'"),
        ("[0.1, 0.2, -0.5]", "[0.1, 0.2]", "char_starting_location must be 3 numbers"),
        ("[0.1, 0.2, -0.5]", "[0.1, 0.2, up]", "char_starting_location must be a number"),
        ("method: pca", "method: top", "entry 2: method must be one of pca, .*; got 'top'"),
        ("  method: pca\n", "", "entry 2 lacks 'method'"),
        ("name: Legs", "name: Trunk", "two projection groups with the name 'Trunk'"),
        ("[LeftLeg, LeftFoot, RightLeg, RightFoot]", "Legs", "bvh_joint_names must be a list"),
        ("[LeftLeg, LeftFoot, RightLeg, RightFoot]", "[LeftLeg]", "of 'LeftFoot', which is in no"),
        ("[Hips, Head]\n  left", "[Hips, Nose]\n  left", "'torso' follows 'Nose', which is in no"),
        ("[Hips], char", "[Tail], char", "depth of 'Tail', which is in no group"),
        ("[Hips], char", "[], char", "entry 1: bvh_depth_drivers must be a list of at least 1"),
        ("for_offset: Legs", "for_offset: Arms", "group 'Arms', but there is Trunk, Legs"),
        ("[[LeftLeg, LeftFoot]]", "[LeftLeg]", "bvh_joints, each a list of joints"),
        ("  char_joints: [[left_hip, left_foot]]\n", "", "root_offset lacks 'char_joints'"),
        ("[Hips, Head]\n  left", "[Hips]\n  left", "torso, each a pair of joints"),
        ("!!python/tuple [Hips, Head]", "Head", "torso, each a pair of joints"),
        ("!!python/tuple", "!!python/name:os.system", "not valid YAML"),
        ("checks: []", "checks: [[below, a, b, c]]", "a check can only be 'above'; got 'below'"),
        ("checks: []", "checks: [[above, a, b]]", "four words"),
        ("char_runtime_checks: []", "", "lacks 'char_runtime_checks'"),
    ],
)
def test_what_is_told_of_a_retarget_file(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as told:
        read_retarget_config(retarget_file(tmp_path, RETARGET_YAML.replace(old, new)))
    assert "retarget.yaml" in str(told.value)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, len(RETARGET_YAML)), st.integers(0, 30), st.text(max_size=8))
def test_damage_is_told_or_read(
    tmp_path_factory: pytest.TempPathFactory, at: int, length: int, damage: str
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    for text, file, read in (
        (MOTION_YAML, motion_file, read_motion_config),
        (RETARGET_YAML, retarget_file, read_retarget_config),
    ):
        try:
            read(file(folder, text[:at] + damage + text[at + length :]))
        except InvalidInput as told:
            assert len(str(told)) < 3000


def test_the_files_of_the_reference_are_read(shared: Path) -> None:
    folder = shared / "fixtures" / "puppet"
    for file in sorted((folder / "motion").glob("*.yaml")):
        config = read_motion_config(file)
        assert config.filepath == folder / "motions" / f"{file.stem}.bvh"
        assert config.scale == 0.025
    methods = {}
    for file in sorted((folder / "retarget").glob("*.yaml")):
        config = read_retarget_config(file)
        methods[file.stem] = "".join(group.method[0] for group in config.projection_groups)
        assert config.runtime_checks[0][:2] == ("above", "neck")
        assert config.mapping["left_foot"] == (
            ("LeftKnee", "LeftAnkle") if file.stem == "cmu1_pfp" else ("LeftLeg", "LeftFoot")
        )
    assert methods == {
        "cmu1_pfp": "ppf",
        "fair1_ppf": "ppf",
        "fair1_spf": "spf",
        "six_arms": "ppf",
    }
