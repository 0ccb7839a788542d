from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from apps.puppet.motion import bvh as module
from apps.puppet.motion.bvh import END_SITE, Bvh, read_bvh, write_bvh
from cartoonedit.errors import InvalidInput

HEAD = """\
HIERARCHY
ROOT Hips
{
  OFFSET 1 2 3
  CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
  JOINT Left Leg
  {
    OFFSET 0 -1 0
    CHANNELS 3 Xrotation Zrotation Yrotation
    End Site
    {
      OFFSET 0 -2 0
    }
  }
}
"""
ROWS = "10 20 30 0 0 0 0 0 0\n0 0 0 90 0 0 0 -90 0\n"
TEXT = HEAD + "MOTION\nFrames: 2\nFrame Time: 0.04\n" + ROWS


def read(folder: Path, text: str | bytes) -> Bvh:
    file = folder / "motion.bvh"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_bvh(file)


def test_what_a_file_says(tmp_path: Path) -> None:
    bvh = read(tmp_path, TEXT)
    assert bvh.names == ("Hips", "Left Leg", END_SITE)
    assert bvh.parents == (-1, 0, 1)
    assert bvh.offsets.tolist() == [[1, 2, 3], [0, -1, 0], [0, -2, 0]]
    assert bvh.channels[1:] == (("Xrotation", "Zrotation", "Yrotation"), ())
    assert (len(bvh), bvh.frame_time) == (2, 0.04)
    # The root's offset gives way to its position; a quarter turn about Z takes -y to +x.
    expected = [
        [[10, 20, 30], [10, 19, 30], [10, 17, 30]],
        [[0, 0, 0], [1, 0, 0], [1, -2, 0]],
    ]
    assert np.allclose(bvh.positions(), expected)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace(" ", "\t"),
        lambda text: re.sub(r"(?<=\d) ", "  ", text),
        lambda text: text.replace("\n", " \n"),
        lambda text: text + "\n \n\n",
        lambda text: "\ufeff" + text,
        lambda text: "\n\n" + text.rstrip(),
        lambda text: text.replace("Leg\n  {", "Leg {").replace("Site\n    {", "Site {"),
        lambda text: text.replace("End Site", "End Site Foot_end"),
        lambda text: text.lower().replace("hips", "Hips").replace("left leg", "Left Leg"),
        lambda text: text.replace("Frames: 2", "Frames:\t2").replace("Time: ", "Time:"),
        lambda text: text.replace("90", "9e1").replace("20", "20.000"),
        lambda text: text.replace(ROWS, ROWS.replace(" ", ", ")),
        lambda text: text.replace("30 0", "30\n0"),
        lambda text: text + "1 2 3 4 5 6 7 8 9\n1 2",
    ],
    ids=[
        *("crlf", "cr", "tabs", "two spaces", "blanks at ends of lines", "blank lines at the end"),
        *("byte order mark", "blank lines ahead", "braces on the line", "named end", "lower case"),
        *("tab after colon", "numbers", "commas", "wrapped rows", "more rows than announced"),
    ],
)
def test_however_it_is_written(tmp_path: Path, change: Callable[[str], str]) -> None:
    expected, got = read(tmp_path, TEXT), read(tmp_path, change(TEXT))
    assert (got.names, got.parents, got.channels) == (
        expected.names,
        expected.parents,
        expected.channels,
    )
    assert np.array_equal(got.offsets, expected.offsets)
    assert np.array_equal(got.values, expected.values)
    assert got.frame_time == expected.frame_time


def test_a_root_may_list_its_position_last(tmp_path: Path) -> None:
    text = TEXT.replace(
        "Xposition Yposition Zposition Zrotation Yrotation Xrotation",
        "Zrotation Yrotation Xrotation Zposition Yposition Xposition",
    ).replace("10 20 30 0 0 0", "0 0 0 30 20 10")
    assert np.array_equal(read(tmp_path, text).positions()[0, 0], [10, 20, 30])


def test_position_channels_of_other_joints_may_count_or_not(tmp_path: Path) -> None:
    text = TEXT.replace("CHANNELS 3 X", "CHANNELS 4 Yposition X").replace(
        ROWS, "0 0 0 0 0 0 -7 0 0 0\n" * 2
    )
    bvh = read(tmp_path, text)
    assert bvh.positions()[0, 1].tolist() == [0, -7, 0]
    assert bvh.positions(joints_move=False)[0, 1].tolist() == [0, -1, 0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "ends before the word HIERARCHY: it is truncated or no BVH file"),
        ("<html>404</html>", "does not start with HIERARCHY"),
        (b"\x00\xff" * 50, "does not start with HIERARCHY"),
        (TEXT[: TEXT.index("CHANNELS 3")], "truncated"),
        (HEAD, "ends before MOTION: it is truncated"),
        (HEAD + "MOTION\n", "no line 'Frames:'"),
        (HEAD + "MOTION\nFrames: 2\n0.04\n", "no line 'Frame Time:'"),
        (TEXT[:-20], "it announces 2 frames and holds 1 whole ones. .* 'Frames: 1'"),
        (TEXT.replace("Frames: 2", "Frames: 9000000"), "announces 9000000 frames"),
        (TEXT.replace("Frames: 2", "Frames: 0"), "has 0 frames"),
        (TEXT.replace("Frames: 2", "Frames: 1.5"), "has 1.5 frames"),
        (TEXT.replace("Frames: 2", "Frames: many"), "Frames: must be a number; got 'many'"),
        (TEXT.replace("0.04", "0"), "frame time is 0 s"),
        (TEXT.replace("0.04", "1e-320"), "frame time"),
        (TEXT.replace("0.04", "nan"), "must be a number"),
        (TEXT.replace("90", "9O"), "a value of a frame must be a number; got '9O'"),
        (TEXT.replace("90", "9" * 100_000), "value of a frame|too large"),
        (TEXT.replace("90", "nan"), "not finite"),
        (TEXT.replace("90", "1e300"), "too large"),
        (TEXT.replace("-2 0", "-2 inf"), "offset must be a number"),
        (TEXT.replace("-2 0", "-2"), "offset must be a number; got '}'"),
        (TEXT.replace("CHANNELS 3", "CHANNELS 2"), "'Yrotation' is not expected in .*Left Leg"),
        (TEXT.replace("CHANNELS 3", "CHANNELS 1e9"), "1e\\+09 channels"),
        (TEXT.replace("CHANNELS 3", "CHANNELS 2.5"), "2.5 channels"),
        (TEXT.replace("Zrotation Y", "Wrotation Y"), "channel 'Wrotation'"),
        (TEXT.replace("Left Leg", ""), "no name"),
        (TEXT.replace("JOINT", "BONE"), "'BONE' is not expected in the joint Hips"),
        (TEXT.replace("End Site", "End Sight"), "should be SITE; got 'Sight'"),
        (HEAD.replace("HIERARCHY", "") + TEXT, "does not start"),
        (HEAD + TEXT.replace("HIERARCHY", ""), "only one skeleton"),
        (
            TEXT.replace("10 20 30", "10,5 20,5 30,5"),
            "a frame has 12 values",
        ),
        ("HIERARCHY ROOT " + "a " * 100_000, "after the joint 'a a"),
        ("HIERARCHY ROOT a {" + "JOINT b { " * 5000, "more than 2000"),
        ("HIERARCHY ROOT a { OFFSET 0 0 0 }\nMOTION\nFrames: 1\nFrame Time: 1\n", "has a channel"),
        ("x " * 3_000_000, "hierarchy is too long"),
    ],
)
def test_what_is_told_of_a_bad_file(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as told:
        read(tmp_path, text)
    assert "motion.bvh" in str(told.value)
    assert len(str(told.value)) < 500


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place, said in ((tmp_path / "no.bvh", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(InvalidInput, match=f"cannot be read: {said}"):
            read_bvh(place)
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    with pytest.raises(InvalidInput, match="larger than"):
        read(tmp_path, TEXT)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60), st.integers(0, len(TEXT)), st.integers(0, 60))
def test_damage_is_told_or_read(
    tmp_path_factory: pytest.TempPathFactory, damage: bytes, at: int, length: int
) -> None:
    stored = TEXT.encode()
    folder = tmp_path_factory.mktemp("damaged", numbered=True)
    try:
        bvh = read(folder, stored[:at] + damage + stored[at + length :])
    except InvalidInput:
        return
    assert np.isfinite(bvh.positions()).all()


# ---------------------------------------------------------------- random skeletons

NUMBERS = st.floats(-1e6, 1e6)
ROTATIONS = st.permutations(["Xrotation", "Yrotation", "Zrotation"])
POSITIONS = st.permutations(["Xposition", "Yposition", "Zposition"])


@st.composite
def motions(draw: st.DrawFn) -> Bvh:
    """Trees in any order that puts parents first, with any channels."""
    count = draw(st.integers(1, 8))
    parents = [-1] + [draw(st.integers(0, joint - 1)) for joint in range(1, count)]
    channels = [tuple(draw(POSITIONS) + draw(ROTATIONS))]
    channels += [
        tuple(draw(st.sampled_from([[], draw(ROTATIONS), draw(ROTATIONS) + draw(POSITIONS)])))
        for _ in parents[1:]
    ]
    width = sum(map(len, channels))
    frames = draw(st.integers(1, 3))
    return Bvh(
        tuple(f"joint {i}" if i % 2 else f"mixamorig:{i}" for i in range(count)),
        tuple(parents),
        np.array(draw(st.lists(NUMBERS, min_size=3 * count, max_size=3 * count))).reshape(-1, 3),
        tuple(channels),
        np.array(draw(st.lists(NUMBERS, min_size=frames * width, max_size=frames * width))).reshape(
            frames, width
        ),
        draw(st.floats(1e-6, 60)),
    )


@settings(max_examples=60, deadline=None)
@given(motions())
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, bvh: Bvh) -> None:
    file = tmp_path_factory.mktemp("written", numbered=True) / "a.bvh"
    write_bvh(bvh, file)
    got = read_bvh(file)
    assert got.frame_time == bvh.frame_time
    order = [bvh.names.index(name) for name in got.names]
    assert sorted(order) == list(range(len(bvh.names)))
    for place, joint in enumerate(order):
        parent = bvh.parents[joint]
        assert got.parents[place] == (-1 if parent < 0 else order.index(parent))
        assert got.channels[place] == bvh.channels[joint]
    assert np.array_equal(got.offsets, bvh.offsets[order])
    assert np.array_equal(got.positions(), bvh.positions()[:, order])


@settings(max_examples=60, deadline=None)
@given(motions())
def test_positions_are_those_of_another_way(bvh: Bvh) -> None:
    column = 0
    turns, places = [], []
    for joint, channels in enumerate(bvh.channels):
        values = bvh.values[0, column : column + len(channels)]
        column += len(channels)
        shift = bvh.offsets[joint].copy()
        axes = ""
        for channel, value in zip(channels, values, strict=True):
            if channel.endswith("position"):
                shift["XYZ".index(channel[0])] = value
            else:
                axes += channel[0]
        angles = [v for c, v in zip(channels, values, strict=True) if c.endswith("rotation")]
        turn = Rotation.from_euler(axes, angles, degrees=True) if axes else Rotation.identity()
        parent = bvh.parents[joint]
        if parent >= 0:
            shift = places[parent] + turns[parent].apply(shift)
            turn = turns[parent] * turn
        turns.append(turn)
        places.append(shift)
    assert np.allclose(bvh.positions(slice(0, 1))[0], places, rtol=1e-9, atol=1e-3)


def test_ends_of_chains_are_written_as_such(tmp_path: Path) -> None:
    bvh = read(tmp_path, TEXT)
    write_bvh(bvh, tmp_path / "again.bvh")
    text = (tmp_path / "again.bvh").read_text()
    assert text.count("End Site") == 1
    assert "JOINT End" not in text
    got = read(tmp_path, text)
    assert got.names == bvh.names
    assert np.array_equal(got.values, bvh.values)


GOOD = Bvh(("a", "b"), (-1, 0), np.zeros((2, 3)), (("Xrotation",), ()), np.zeros((1, 1)), 0.1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"names": ("a", "b {")}, "cannot hold a joint of the name 'b {'"),
        ({"names": ("a", "")}, "cannot hold"),
        ({"names": ("a", "b\nc")}, "cannot hold"),
        ({"names": ("a",)}, "for each joint"),
        ({"parents": (-1, -1)}, "one tree"),
        ({"parents": (-1, 1)}, "one tree"),
        ({"values": np.zeros((1, 2))}, "its 1 channels"),
        ({"values": np.zeros((0, 1))}, "its 1 channels"),
        ({"values": np.full((1, 1), np.nan)}, "finite"),
        ({"offsets": np.full((2, 3), np.inf)}, "finite"),
        ({"frame_time": 0.0}, "frame time"),
    ],
)
def test_what_cannot_be_written(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        write_bvh(replace(GOOD, **change), tmp_path / "a.bvh")
    assert not list(tmp_path.iterdir())


def test_long_motions_are_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(0, 90, (200, 9)).round(3)
    bvh = replace(read(tmp_path, TEXT), values=values)
    expected = bvh.positions()
    write_bvh(bvh, tmp_path / "long.bvh")
    monkeypatch.setattr(module, "_BLOCK", 100)
    got = read_bvh(tmp_path / "long.bvh")
    assert np.array_equal(got.values, values)
    assert np.array_equal(got.positions(), expected)


# ---------------------------------------------------------------- reference


@pytest.mark.parametrize("name", ["fair1_dab", "fair1_zombie", "cmu1_jumping_jacks"])
def test_positions_are_those_of_the_reference(shared: Path, name: str) -> None:
    folder = shared / "fixtures" / "puppet"
    bvh = read_bvh(folder / "motions" / f"{name.partition('_')[2]}.bvh")
    with np.load(folder / f"bvh_{name}.npz") as reference:
        assert list(bvh.names) == reference["names"].tolist()
        assert list(bvh.parents) == reference["parents"].tolist()
        assert [" ".join(each) for each in bvh.channels] == reference["channels"].tolist()
        assert np.allclose(bvh.offsets, reference["offsets"], atol=1e-6)
        assert len(bvh) == reference["frames"]
        assert bvh.frame_time == reference["frame_time"]
        got = bvh.positions(joints_move=False)[reference["sel"]]
        expected = reference["world_positions"]
        assert np.abs(got - expected).max() < 1e-6 * np.abs(expected).max()
