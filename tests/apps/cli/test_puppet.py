"""`cartoonedit puppet` and `cartoonedit puppet joints`: what they take, write and refuse."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from apps.puppet.classic.character import Drawing, write_drawing
from cartoonedit.images import save_image
from cartoonedit.scene import Scene
from tests.apps.puppet.scenes import PLACES, draw, make_scene, skeleton_at

SHORT = ["--duration", "0.2", "--fps", "10"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A saved scene with two figures and their joints."""
    return make_scene().save(tmp_path / "scene", parts=("plate",))


@pytest.fixture
def character(tmp_path: Path) -> Path:
    """A character folder of Animated Drawings."""
    skeleton, mask = skeleton_at(50, 70), draw(skeleton_at(50, 70), (100, 120))
    texture = np.full((120, 100, 4), 255, np.uint8)
    texture[mask > 0, :3] = (200, 90, 30)
    write_drawing(Drawing.of_picture("boy", skeleton, texture, mask), tmp_path / "boy")
    return tmp_path / "boy"


def frames_of(clip: Path) -> list[np.ndarray]:
    return [np.asarray(Image.open(file)) for file in sorted(clip.glob("[0-9]*.png"))]


def test_scene_to_clip(cli: Any, folder: Path, tmp_path: Path, two_discs: Any) -> None:
    run = cli("puppet", folder, "-o", tmp_path / "a.mp4", "--motion", "dance", *SHORT, "--json")
    assert run.code == 0, run.err
    (entry,) = json.loads(run.out)["clips"]
    assert entry["frames"] == 2
    assert entry["fps"] == 10
    assert entry["instances"] == ["character-1", "character-2"]
    assert two_discs == []
    record = tmp_path / "a.mp4.run.json"
    recorded = json.loads(record.read_text())
    assert recorded["command"] == "puppet"
    assert any(entry["file"].endswith("dance.bvh") for entry in recorded["inputs"])
    again = cli("rerun", record, "-o", tmp_path / "b.mp4")
    assert again.code == 0, again.err
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_records_name_motions_from_anywhere(
    cli: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keys.yaml").write_text("keyframes: [{time: 0}, {time: 1, joints: {neck: 20}}]")
    monkeypatch.chdir(tmp_path)
    words = ["--motion", "keys.yaml", "--motion-for", "character-2=keys.yaml", *SHORT]
    assert cli("puppet", folder, "-o", "a.gif", *words, "--motion-for", "character-1=nod").code == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    again = cli("rerun", tmp_path / "a.gif.run.json", "-o", "b.gif")
    assert again.code == 0, again.err
    assert Path("b.gif").read_bytes() == (tmp_path / "a.gif").read_bytes()


def test_picture_is_segmented(cli: Any, picture: Path, tmp_path: Path, two_discs: Any) -> None:
    run = cli("puppet", picture, "-o", tmp_path / "frames", *SHORT)
    assert run.code == 0, run.err
    assert len(two_discs) == 1
    assert len(frames_of(tmp_path / "frames")) == 2


def test_several_pictures(cli: Any, folder: Path, character: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "scene.json").write_text("{")
    words = [folder, character, tmp_path / "broken"]
    run = cli("puppet", *words, "-o", tmp_path / "clips", *SHORT, "--transparent")
    assert run.code == 1
    assert "broken" in run.err
    made = sorted(path.name for path in (tmp_path / "clips").glob("*.webm"))
    assert made == ["boy.webm", "scene.webm"]


@pytest.mark.parametrize("method", ["natural", "classic"])
def test_character_folders(cli: Any, character: Path, tmp_path: Path, method: str) -> None:
    words = ["puppet", character, "-o", tmp_path / "clip", "--motion", "wave", *SHORT]
    run = cli(*words, "--retarget", method)
    assert run.code == 0, run.err
    frames = frames_of(tmp_path / "clip")
    assert (frames[0][0] == 255).all()  # white behind, no paper
    assert (frames[0] != 255).any()
    if method == "classic":
        assert frames[0].shape == (500, 500, 3)
    assert cli(*words, "--retarget", method).code == 0  # over its own frames
    named = cli("puppet", character / "char_cfg.yaml", "-o", tmp_path / "c.gif", *SHORT)
    assert named.code == 0, named.err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--sprite-sheet", "sheet.png"], 2, "--sprite-sheet is not for character folders"),
        (["--only", "nobody"], 1, "only: there is no character 'nobody'; there is boy"),
        (["--mirror", "all"], 1, "mirror is not for character folders with retarget classic"),
        (["--phase", "0.5"], 1, "phase is not for character folders"),
    ],
)
def test_classic_drawings_refuse_what_they_cannot_show(
    cli: Any, character: Path, tmp_path: Path, words: list[str], code: int, message: str
) -> None:
    clip = tmp_path / "clip.gif"
    run = cli("puppet", character, "-o", clip, "--retarget", "classic", *SHORT, *words)
    assert run.code == code
    assert message in " ".join(run.err.split())
    assert not clip.exists()


def test_drawing_on_paper(cli: Any, tmp_path: Path, two_discs: Any) -> None:
    mask = cv2.resize(draw(skeleton_at(55, 60), (110, 120)), None, fx=3, fy=3)
    paper = np.full((*mask.shape, 3), 250, np.uint8)
    paper[mask > 128] = 60
    save_image(tmp_path / "drawing.png", paper)
    run = cli("puppet", tmp_path / "drawing.png", "--paper", "-o", tmp_path / "c.webp", *SHORT)
    assert run.code == 0, run.err
    assert two_discs == []
    run = cli("puppet", "joints", tmp_path / "drawing.png", "--paper", "-o", tmp_path / "j.yaml")
    assert run.code == 0, run.err
    assert "standing" in run.out


def test_joints_there_and_back(cli: Any, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "joints.yaml"
    run = cli("puppet", "joints", folder, "-o", out, "--json")
    assert run.code == 0, run.err
    told = json.loads(run.out)
    assert told["characters"]["character-1"] == {"joints": 16, "confidence": 1.0}
    assert Image.open(told["picture"]).size == (220, 140)
    words = ["puppet", folder, "--motion", "wave", "--joints", out, *SHORT]
    assert cli(*words, "-o", tmp_path / "one").code == 0
    text = out.read_text()
    hand = next(line for line in text.splitlines() if "right_hand" in line)
    out.write_text(text.replace(hand, "    right_hand: [40, 110]", 1))
    assert cli(*words, "-o", tmp_path / "two").code == 0
    first, second = frames_of(tmp_path / "one")[0], frames_of(tmp_path / "two")[0]
    assert (first != second).any()
    record = tmp_path / "joints.yaml.run.json"
    again = cli("rerun", record, "-o", tmp_path / "again.yaml")
    assert again.code == 0, again.err
    assert (tmp_path / "again.yaml").read_text() == text


def test_everything_else_to_write(cli: Any, folder: Path, tmp_path: Path) -> None:
    run = cli(
        *("puppet", folder, "-o", tmp_path / "clip.gif", "--motion", "nod", *SHORT),
        *("--sprite-sheet", tmp_path / "sheet.png", "--joints-out", tmp_path / "joints.json"),
        *("--drawings", tmp_path / "drawings", "--spine", tmp_path / "spine"),
        *("--save-scene", tmp_path / "saved"),
    )
    assert run.code == 0, run.err
    assert len(json.loads((tmp_path / "sheet.json").read_text())["frames"]) == 2
    joints = json.loads((tmp_path / "joints.json").read_text())
    assert "character-2" in json.dumps(joints)
    names = {path.name for path in (tmp_path / "drawings" / "character-1").iterdir()}
    assert {"char_cfg.yaml", "mask.png", "texture.png"} <= names
    assert (tmp_path / "spine" / "character-1" / "character-1.json").exists()
    assert Scene.load(tmp_path / "saved")["character-1"].joints
    back = cli("puppet", tmp_path / "drawings" / "character-1", "-o", tmp_path / "b.gif", *SHORT)
    assert back.code == 0, back.err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--motion", "waltz"], 2, "--motion: there is no motion 'waltz'"),
        (["--motion", "nowhere.bvh"], 2, "there is no file 'nowhere.bvh'"),
        (["--only", "nobody"], 1, "only: there is no character 'nobody'"),
        (["--speed", "0"], 2, "--speed must be from"),
        (["--joints", "nowhere.yaml"], 2, "--joints: there is no file"),
        (["--background", "blau"], 2, "--background must be"),
        (["--sprite-sheet", "sheet.jpg"], 2, "--sprite-sheet must end in .png"),
        (["--motion-for", "character-1=waltz"], 2, "--motion-for: there is no motion"),
        (["--motion-for", "wave"], 2, "--motion-for must be NAME=MOTION"),
    ],
)
def test_wrong_usage(
    cli: Any, folder: Path, tmp_path: Path, words: list[str], code: int, message: str
) -> None:
    run = cli("puppet", folder, "-o", tmp_path / "clip.gif", *words)
    assert run.code == code, run.err
    assert message in " ".join(run.err.split())
    assert not (tmp_path / "clip.gif").exists()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("cut.bvh", "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\n", "truncated"),
        ("odd.bvh", None, "left"),
        ("keys.yaml", "keyframes: []", "key frames"),
        ("empty.json", "{}", "keypoints"),
        ("no_keys.json", '{"keyframes": []}', "list of key frames"),
        ("no_time.json", '{"keyframes": [{"tim": 0}]}', "must have a time"),
        ("nobody.json", '[{"people": []}]', "shows nobody"),
        ("broken.json", "{", "cannot be read"),
    ],
)
def test_motions_that_cannot_be_used(
    cli: Any, folder: Path, tmp_path: Path, name: str, text: str | None, message: str
) -> None:
    if text is None:  # a skeleton without names that are known
        text = (
            "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 3 Xposition Yposition Zposition\n"
            "JOINT b\n{\nOFFSET 0 1 0\nCHANNELS 1 Xrotation\nEnd Site\n{\nOFFSET 0 1 0\n}\n}\n}\n"
            "MOTION\nFrames: 1\nFrame Time: 0.1\n0 0 0 0\n"
        )
    (tmp_path / name).write_text(text)
    run = cli("puppet", folder, "-o", tmp_path / "clip.gif", "--motion", tmp_path / name)
    assert run.code == 1, run.out
    assert message in " ".join(run.err.split())
    assert not (tmp_path / "clip.gif").exists()


def test_joints_of_another_picture(cli: Any, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "joints.yaml").write_text(
        "character-1:\n  joints:\n"
        + "".join(f"    {name}: [{900 + i}, 800]\n" for i, name in enumerate(("root", "neck")))
    )
    words = ["--joints", tmp_path / "joints.yaml"]
    run = cli("puppet", folder, "-o", tmp_path / "clip.gif", *SHORT, *words)
    assert run.code == 1
    assert "character-1" in run.err


def test_nobody_in_the_picture(cli: Any, tmp_path: Path, two_discs: Any) -> None:
    save_image(tmp_path / "small.png", np.zeros((8, 8, 3), np.uint8))
    run = cli("puppet", tmp_path / "small.png", "-o", tmp_path / "clip.gif")
    assert run.code == 1
    assert "no character was found" in run.err
    assert "--paper" in run.err


def test_never_over_what_is_read(cli: Any, folder: Path, tmp_path: Path) -> None:
    shutil.copy(Path("apps/puppet/motions/nod.bvh").absolute(), tmp_path / "mine.bvh")
    keys = tmp_path / "keys.json"
    keys.write_text('{"keyframes": [{"time": 0}, {"time": 1}]}')
    words = ["puppet", folder, "-o", tmp_path / "c.gif", "--motion", keys, *SHORT]
    run = cli(*words, "--joints-out", keys)
    assert run.code == 2
    assert "would be written over" in " ".join(run.err.split())


def test_results_never_replace_what_a_person_has(
    cli: Any, folder: Path, character: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    save_image(tmp_path / "mine" / "picture.png", np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "notes.json").write_text("{}")
    everything = {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()}
    clip = ["-o", tmp_path / "clip.gif", *SHORT]
    refused = [
        (character, "--drawings", tmp_path, "holds files already"),
        (character, "--spine", character, "holds files already"),
        (folder, "--save-scene", tmp_path / "mine", "holds files already"),
        (folder, "--save-scene", character, "holds files already"),
        (folder, "--sprite-sheet", folder / "scene.png", "would be"),
        (folder, "--sprite-sheet", tmp_path / "notes.png", "no earlier run made it"),
        (folder, "--joints-out", tmp_path / "clip.gif.run.json", "would be written over"),
    ]
    for source, option, place, message in refused:
        run = cli("puppet", source, *clip, option, place)
        assert run.code == 2, (option, run.err)
        assert message in " ".join(run.err.split())
    words = ["--sprite-sheet", tmp_path / "one.png", "--joints-out", tmp_path / "one.json"]
    assert cli("puppet", folder, *clip, *words).code == 2
    assert cli("puppet", "joints", character, "-o", character / "char_cfg.yaml").code == 2
    assert cli("puppet", "joints", folder, "-o", tmp_path / "mine" / "picture.yaml").code == 2
    assert {path: path.read_bytes() for path in everything} == everything
    assert not (tmp_path / "clip.gif").exists()


def test_corrected_joints_are_kept(cli: Any, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "joints.yaml"
    words = ["puppet", "joints", folder, "-o", out]
    assert cli(*words).code == 0
    assert cli(*words).code == 0  # nobody has touched it
    corrected = out.read_text() + "\n# by hand\n"
    out.write_text(corrected)
    run = cli(*words)
    assert run.code == 2
    assert "--overwrite" in run.err
    assert out.read_text() == corrected
    assert cli(*words, "--overwrite").code == 0
    assert out.read_text() != corrected


def test_list_of_motions(cli: Any) -> None:
    run = cli("puppet", "--motion", "list")
    assert run.code == 0
    assert "dance" in run.out


def test_one_scene_of_several_characters_is_one_clip(
    cli: Any, tmp_path: Path, two_discs: Any
) -> None:
    scene = make_scene(PLACES)
    scene.save(tmp_path / "scene", parts=("plate",))
    run = cli(
        *("puppet", tmp_path / "scene", "-o", tmp_path / "frames", *SHORT, "--motion", "wave"),
        *("--only", "character-2", "--phase", "character-2=0.4"),
    )
    assert run.code == 0, run.err
    first = frames_of(tmp_path / "frames")[0].astype(int)
    assert np.abs(first[:, :110] - scene.picture[:, :110]).max() <= 1
