"""`cartoonedit kenburns`: which clips of which pictures, and what a run leaves behind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

SHORT = ["--duration", "0.1", "--fps", "30"]


def test_picture_to_clip(cli: Any, picture: Path, tmp_path: Path, two_discs: Any) -> None:
    clip = tmp_path / "clip.mp4"
    run = cli("kenburns", picture, "-o", clip, *SHORT, "--json")
    assert run.code == 0, run.err
    (entry,) = json.loads(run.out)["clips"]
    assert (entry["clip"], entry["frames"], entry["instances"]) == (str(clip), 3, 2)
    assert clip.stat().st_size > 500
    record = json.loads((tmp_path / "clip.mp4.run.json").read_text())
    assert record["arguments"]["move"] == "autozoom"
    assert record["inputs"][0]["file"] == str(picture)


def test_scene_folder_needs_no_segmenter(
    cli: Any, tiny_scene: Any, tmp_path: Path, two_discs: Any
) -> None:
    tiny_scene.save(tmp_path / "scene")
    assert cli("kenburns", tmp_path / "scene", "-o", tmp_path / "frames", *SHORT).code == 0
    assert two_discs == []
    assert {"00000.png", "00002.png"} <= {p.name for p in (tmp_path / "frames").iterdir()}


def test_several_pictures_make_a_folder_of_clips(
    cli: Any, picture: Path, tmp_path: Path, two_discs: Any
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        shutil.copy(picture, tmp_path / "in" / name)
    (tmp_path / "in" / "c.png").write_text("no picture")
    run = cli("kenburns", tmp_path / "in", "-o", tmp_path / "clips", *SHORT)
    assert run.code == 1
    assert "c.png" in run.err
    clips = sorted(p.name for p in (tmp_path / "clips").iterdir() if p.suffix == ".mp4")
    assert clips == ["a.mp4", "b.mp4"]
    assert len(two_discs) == 1

    run = cli("kenburns", tmp_path / "in", "-o", tmp_path / "clip.mp4", *SHORT)
    assert run.code == 2
    assert "3 pictures make 3 clips" in run.err


@pytest.mark.parametrize("name", ["clip.avi", "clip.exe"])
def test_unknown_ending(cli: Any, picture: Path, tmp_path: Path, two_discs: Any, name: str) -> None:
    run = cli("kenburns", picture, "-o", tmp_path / name)
    assert run.code == 2
    assert ".webm" in run.err
    assert two_discs == []


def test_depth_map_of_the_user(
    cli: Any, picture: Path, tmp_path: Path, two_discs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ramp = np.linspace(0, 65535, 48).astype(np.uint16)[:, None].repeat(64, axis=1)
    Image.fromarray(ramp).save(tmp_path / "depth.png")
    clips = [tmp_path / "layered", tmp_path / "ramp"]
    monkeypatch.chdir(tmp_path)
    cli("kenburns", picture, "-o", clips[0], *SHORT)
    run = cli("kenburns", picture, "-o", clips[1], *SHORT, "--depth", "depth.png")
    assert run.code == 0, run.err
    record = json.loads((clips[1] / "run.json").read_text())
    assert record["arguments"]["depth"] == str(tmp_path / "depth.png")
    last = [(clip / "00002.png").read_bytes() for clip in clips]
    assert last[0] != last[1]


def test_rerun_gives_the_same_bytes(
    cli: Any, picture: Path, tmp_path: Path, two_discs: Any
) -> None:
    clip, again = tmp_path / "clip.mp4", tmp_path / "again.mp4"
    cli(
        "kenburns", picture, "-o", clip, *SHORT, "--size", "32x24", "--move", "orbit", "--seed", "3"
    )
    assert cli("rerun", tmp_path / "clip.mp4.run.json", "-o", again).code == 0
    assert again.read_bytes() == clip.read_bytes()


KEYS = "- {time: 0, zoom: 1.5}\n- {time: 0.1, position: [5e-2, 0, 0], target: character-1}\n"

WITH_NEW_OPTIONS = [
    "--from 0,0,64,48 --to 10.5,8,32,24 --strength 2 --aspect 4:3",
    "--keyframes keys.yaml --loop pingpong --stereo anaglyph",
    "--instance-depth character-1=0.2 --instance-depth character-2=0.9 --pool none",
    "--focus character-2 --focus-to 0.9 --accent character-1=sway --vignette 0.3 --grade dusk",
    "--depth depth.png --depth-convention near-white --plate plate.png --transparent",
    "--inpainter smooth --seed 3 --size 50x30",
]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder to work in, with files that options name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keys.yaml").write_text(KEYS)
    (tmp_path / "file").write_text("no folder")
    ramp = np.linspace(0, 65535, 24).astype(np.uint16)[:, None].repeat(32, axis=1)
    Image.fromarray(ramp).save(tmp_path / "depth.png")
    Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(tmp_path / "plate.png")
    return tmp_path


def frames(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.glob("0*.png"))]


@pytest.mark.slow
@pytest.mark.parametrize("words", WITH_NEW_OPTIONS)
def test_rerun_and_a_saved_scene_give_the_same_frames(
    cli: Any, picture: Path, files: Path, two_discs: Any, words: str
) -> None:
    given = words.split()
    assert cli("kenburns", picture, "-o", "plain", *SHORT, *given).code == 0
    assert cli("kenburns", picture, "-o", "first", *SHORT, *given, "--save-scene", "sc").code == 0
    assert cli("rerun", "first/run.json", "-o", "again").code == 0
    assert cli("kenburns", "sc", "-o", "saved", *SHORT, *given).code == 0
    for name in ("first", "again", "saved"):
        assert frames(files / name) == frames(files / "plain"), name


def test_a_saved_scene_keeps_how_its_parts_were_made(
    cli: Any, picture: Path, files: Path, two_discs: Any
) -> None:
    made = ["--depth", "depth.png", "--inpainter", "smooth", "--instance-depth", "character-1=0"]
    cli("kenburns", picture, "-o", "first", *SHORT, *made, "--save-scene", "sc")
    cli("kenburns", "sc", "-o", "saved", *SHORT)
    assert frames(files / "saved") == frames(files / "first")


def test_what_a_person_may_have_mended_is_not_written_over(
    cli: Any, picture: Path, files: Path, two_discs: Any
) -> None:
    words = ["kenburns", picture, "-o", "clip.gif", *SHORT, "--save-scene", "sc"]
    assert cli(*words, "--layers", "layers.psd").code == 0
    mask = files / "sc" / "masks" / "character-1.png"
    for path in (mask, files / "layers.psd"):
        path.write_bytes(path.read_bytes() + b"mended")
    before = {path: path.read_bytes() for path in (mask, files / "layers.psd")}

    assert cli("rerun", "clip.gif.run.json").code == 0
    run = cli(*words)
    assert run.code == 2
    assert "sc holds a scene already" in run.err
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("-o x.mp4 --transparent", ".mp4 cannot hold transparency"),
        ("-o x.avi", "must be one of .mp4"),
        ("-o .", "--out must name a clip"),
        ("-o file/x.mp4", "file is a file, not a folder"),
        ("-o file", "a file of that name is there"),
        ("-o x.mp4 --layers x.obj", "--layers must end in one of .glb"),
        ("-o x.mp4 --layers file/x.glb", "--layers: cannot write"),
        ("-o x --layers x", "would be written over"),
        ("-o x --save-scene x", "would be written over"),
        ("-o x.mp4 --save-scene file/x", "--save-scene: cannot write"),
        ("-o x.mp4 --save-scene .", "--save-scene: the folder '.' holds files already"),
        ("-o x.mp4 --depth bogus", "--depth must be one of layered"),
        ("-o x.mp4 --depth gone.png", "there is no depth map at 'gone.png'"),
        ("-o x.mp4 --depth-convention metric", "--depth-convention is for"),
        ("-o x.mp4 --depth zoe --depth-convention metric", "--depth-convention is for"),
        ("-o x.mp4 --plate gone.png", "'gone.png' does not exist"),
        ("-o x.mp4 --instance-depth character-1", "--instance-depth must be NAME=DEPTH"),
        ("-o x.mp4 --instance-depth character-1=2", "got 'character-1=2'"),
        ("-o x.mp4 --inpaint-model x", "--inpaint-model is for the inpainter lama or"),
        ("-o x.mp4 --inpainter smooth --inpaint-prompt sky", "--inpaint-prompt is for"),
        ("-o x.mp4 --inpainter latent-diffusion --inpaint-strength 0", "strength must be above"),
        ("-o x.mp4 --from 0,0,9", "x,y,width,height"),
        ("-o x.mp4 --from 0,0,nan,9", "--from must be"),
        ("-o x.mp4 --to 5,5,-4,9", "--to must be"),
        ("-o x.mp4 --to 5,5,4,9 --keyframes keys.yaml", "not both"),
        (
            "-o x.mp4 --keyframes gone.yaml",
            "--keyframes: the file gone.yaml cannot be read: No such",
        ),
        ("-o x.mp4 --keyframes plate.png", "cannot be read"),
        ("-o x.mp4 --size 1x5", "--size must be a number from 2"),
        ("-o x.mp4 --size 50x50 --aspect 1:1", "--aspect is for where no size"),
        ("-o x.mp4 --aspect 1000:1", "--aspect must be like"),
        ("-o x.mp4 --duration nan", "--duration must be a number from 0.001"),
        ("-o x.mp4 --focus 2", "--focus must be a character's name"),
        ("-o x.mp4 --accent jump", "--accent must be float or sway"),
        ("-o x.mp4 --render-device tpu", "--render-device must be cpu"),
    ],
)
def test_wrong_usage_is_told_before_the_work(
    cli: Any, picture: Path, files: Path, two_discs: Any, words: str, reason: str
) -> None:
    before = sorted(files.rglob("*"))
    run = cli("kenburns", picture, *words.split())
    assert run.code == 2
    assert reason in " ".join(run.err.split())
    assert two_discs == []
    assert sorted(files.rglob("*")) == before


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("--to 0,0,500,500", "the end window leaves the picture, which is 64x48 pixels"),
        ("--focus zed", "there is no character 'zed' in the frame; there is: character-"),
        ("--accent zed=float", "there is no character 'zed'"),
        ("--instance-depth zed=0.5", "there is no instance 'zed'"),
        ("--plate depth.png", "plate must have the shape of the picture"),
        ("--depth file", "not a picture"),
        ("--depth leres", "cartoonedit models fetch leres"),
        ("--depth owner/name", "hf download owner/name"),
        ("--inpainter lama", "cartoonedit models fetch"),
        ("--inpainter latent-diffusion", "cartoonedit models fetch"),
    ],
)
def test_what_does_not_fit_a_picture_fails_it(
    cli: Any,
    picture: Path,
    files: Path,
    two_discs: Any,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    reason: str,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(files / "hub"))
    (files / "x.gif").write_text("old")
    run = cli("kenburns", picture, "-o", "x.gif", *SHORT, *words.split())
    assert run.code == 1
    assert reason in run.err
    assert run.err.count("\n") == 1
    assert (files / "x.gif").read_text() == "old"


@pytest.mark.parametrize("result", ["art.gif", "sub/../art.gif", "./art.gif"])
def test_a_picture_is_not_written_over(
    cli: Any, picture: Path, files: Path, two_discs: Any, result: str
) -> None:
    (files / "sub").mkdir()
    shutil.copy(picture, files / "art.gif")
    run = cli("kenburns", "art.gif", "-o", result)
    assert run.code == 2
    assert "would be written over" in run.err
    assert (files / "art.gif").read_bytes() == picture.read_bytes()


def test_frames_do_not_go_into_the_scene_that_they_show(
    cli: Any, tiny_scene: Any, tmp_path: Path
) -> None:
    tiny_scene.save(tmp_path / "scene")
    assert cli("kenburns", tmp_path / "scene", "-o", tmp_path / "scene", *SHORT).code == 2


def test_layers_do_not_go_over_the_scene_that_they_show(
    cli: Any, tiny_scene: Any, tmp_path: Path
) -> None:
    """A mask that has a name of its own in the list of what there is."""
    scene = tmp_path / "scene"
    tiny_scene.save(scene)
    listed = (scene / "scene.json").read_text().replace("masks/character-1.png", "first.psd")
    (scene / "scene.json").write_text(listed)
    (scene / "masks" / "character-1.png").rename(scene / "first.psd")
    run = cli("kenburns", scene, "-o", tmp_path / "a.gif", *SHORT, "--layers", scene / "first.psd")
    assert run.code == 2
    assert "would be written over" in " ".join(run.err.split())


def test_frames_do_not_go_into_a_folder_of_the_user(
    cli: Any, picture: Path, files: Path, two_discs: Any
) -> None:
    mine = [files / "mine" / name for name in ("00000.png", "00099.png")]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    run = cli("kenburns", picture, "-o", "mine", *SHORT)
    assert run.code == 2
    assert "the folder mine holds files already" in " ".join(run.err.split())
    assert [path.read_text() for path in mine] == ["mine", "mine"]
    assert cli("kenburns", picture, "-o", "own", *SHORT).code == 0
    assert cli("rerun", "own/run.json").code == 0  # over its own frames


@pytest.mark.parametrize(
    ("more", "clips"), [([], ["picture.mp4"]), (["--transparent"], ["picture.webm"])]
)
def test_one_that_is_missing_does_not_change_where_the_others_go(
    cli: Any, picture: Path, files: Path, two_discs: Any, more: list[str], clips: list[str]
) -> None:
    run = cli("kenburns", picture, "gone.png", "-o", "clips", *SHORT, *more, "--json")
    assert run.code == 1
    told = json.loads(run.out)
    assert [Path(clip["clip"]).name for clip in told["clips"]] == clips
    assert [failure["file"] for failure in told["failed"]] == ["gone.png"]
    assert sorted(p.name for p in (files / "clips").iterdir() if p.suffix != ".json") == clips


def test_the_clip_stays_with_its_record_where_the_layers_fail(
    cli: Any, picture: Path, files: Path, two_discs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("apps.kenburns.KenBurns.export_layers", full)
    run = cli("kenburns", picture, "-o", "x.gif", *SHORT, "--layers", "x.glb")
    assert (run.code, run.err) == (1, f"cartoonedit: {picture}: No space left on device\n")
    assert (files / "x.gif").exists()
    assert (files / "x.gif.run.json").exists()
