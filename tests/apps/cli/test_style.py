from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

from cartoonedit.diffusion import forget_pipelines
from cartoonedit.scene import Scene

Build = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("no_network")


@pytest.fixture(scope="module", autouse=True)
def forgotten() -> Iterator[None]:
    forget_pipelines()
    yield
    forget_pipelines()


@pytest.fixture
def networks(tiny_diffusion: Build, tiny_controlnet: Build) -> list[Any]:
    return [
        "--model", tiny_diffusion("sd15", 4), "--controlnet", tiny_controlnet("sd15"),
        "--tagger", "none", "--side", "64", "--steps", "2", "--device", "cpu",
    ]  # fmt: skip


@pytest.fixture
def saved(tiny_scene: Any, tmp_path: Path) -> Path:
    tiny_scene.save(tmp_path / "scene")
    return tmp_path / "scene"


def read(file: Path) -> np.ndarray:
    return np.asarray(Image.open(file).convert("RGB"))


def test_a_picture(cli: Any, two_discs: Any, picture: Path, tmp_path: Path, networks: Any) -> None:
    out, kept = tmp_path / "styled.png", tmp_path / "kept"
    run = cli(
        "style", picture, "-o", out, "--prompt", "ink", "--save-scene", kept, "--json", *networks
    )
    assert run.code == 0, run.err
    (result,) = json.loads(run.out)["pictures"]
    assert [part["name"] for part in result["parts"]] == [
        "background",
        "character-1",
        "character-2",
    ]
    assert (read(out) != read(picture)).any()
    assert len(Scene.load(kept)) == 2
    record = json.loads(Path(f"{out}.run.json").read_text())
    assert {"model", "controlnet"} <= {entry["name"] for entry in record["models"]}
    assert all(len(entry["sha256"]) == 64 for entry in record["models"])
    assert record["libraries"]["diffusers"]
    again = tmp_path / "again.png"
    assert cli("rerun", f"{out}.run.json", "-o", again).code == 0
    np.testing.assert_array_equal(read(again), read(out))


@pytest.mark.parametrize("mode", ["per-instance", "fused"])
def test_one_character_of_a_saved_scene(
    cli: Any, saved: Path, tmp_path: Path, networks: Any, mode: str
) -> None:
    out = tmp_path / "styled.png"
    words = ["--only", "character-2", "--preset", "watercolour", "--mode", mode]
    assert cli("style", saved, "-o", out, *words, *networks).code == 0
    scene = Scene.load(saved)
    changed = (read(out) != scene.picture).any(axis=2)
    assert changed.any()
    assert not changed[scene["character-2"].mask == 0].any()


@pytest.mark.slow
def test_several_pictures_of_which_one_is_damaged(
    cli: Any, two_discs: Any, picture: Path, tmp_path: Path, networks: Any
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(picture.read_bytes()[:100])
    run = cli("style", picture, broken, "-o", tmp_path / "out", "--prompt", "ink", *networks)
    assert run.code == 1
    assert "broken.png" in run.err
    assert [file.name for file in (tmp_path / "out").glob("*.png")] == ["picture.png"]


def test_nobody_and_a_long_prompt(cli: Any, two_discs: Any, tmp_path: Path, networks: Any) -> None:
    small = tmp_path / "small.png"
    Image.new("RGB", (16, 16), "red").save(small)
    run = cli("style", small, "-o", tmp_path / "a.png", "--prompt", "ink, " * 1000, *networks)
    assert run.code == 0, run.err
    assert "nobody was found" in run.err


def test_nothing_left_to_translate(cli: Any, saved: Path, tmp_path: Path, networks: Any) -> None:
    out = tmp_path / "styled.png"
    words = ["--only", "character-1", "--skip", "character-1", "--prompt", "ink"]
    run = cli("style", saved, "-o", out, *words, *networks)
    assert run.code == 1
    assert "nothing is left to translate" in run.err
    assert not out.exists()


def test_presets_are_listed(cli: Any) -> None:
    run = cli("style", "--preset", "list")
    assert run.code == 0
    assert "3D pixar style" in run.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "a.png"], "a prompt or a preset"),
        (["-o", "a.png", "--preset", "nothing"], "there is no style 'nothing'"),
        (["-o", "a.txt", "--prompt", "ink"], "--out must name a picture"),
        (["-o", "a.gif", "--prompt", "ink"], "--out must name a picture"),
        (["-o", "a.png", "--prompt", "ink", "--flow", "0.5"], "are for clips"),
        (["-o", "a.png", "--prompt", "ink", "--flow", "2"], "--flow must be a number from 0 to 1"),
        (["-o", "a.png", "--prompt", "ink", "--layers", "a.xcf"], "--layers must end in one of"),
        (["-o", "a.png", "--prompt", "ink", "--strips", "a.txt"], "--strips must name a picture"),
        (["-o", "a.png", "--prompt", "ink", "--sheet", "a.png"], "would be written over"),
        (
            ["-o", "a.png", "--prompt", "ink", "--prompt-for", "x"],
            "--prompt-for must be NAME=VALUE",
        ),
        (["-o", "a.png", "--prompt", "ink", "--strength-for", "x=2"], "--strength-for x: strength"),
        (["-o", "a.png", "--prompt", "ink", "--strength-for", "x=y"], "a number is needed"),
        (["-o", "a.png", "--prompt", "ink", "--seed-for", "x=1.5"], "a whole number is needed"),
        (["-o", "a.png", "--prompt", "ink", "--reference-for", "x=gone.png"], "there is no file"),
        (["-o", "a.png", "--prompt", "ink", "--strength", "2"], "--strength must be"),
        (["-o", "a.png", "--prompt", "ink", "--strength", "0.1", "--steps", "2"], "less than one"),
        (["-o", "a.png", "--prompt", "ink", "--scheduler", "magic"], "DPM++ 2M Karras"),
        (["-o", "a.png", "--prompt", "ink", "--lineart", "magic"], "standard"),
        (["-o", "a.png", "--prompt", "ink", "--mode", "magic"], "per-instance"),
    ],
)
def test_wrong_usage(
    cli: Any, picture: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    words = [str(tmp_path / word) if word.startswith("a.") else word for word in words]
    run = cli("style", picture, *words)
    assert run.code == 2
    assert message in " ".join(run.err.replace("│", " ").split())


def test_a_scene_does_not_go_into_a_folder_of_the_user(
    cli: Any, picture: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine" / "picture.png"
    mine.parent.mkdir()
    mine.write_text("mine")
    words = ["--prompt", "ink", "--save-scene", mine.parent]
    run = cli("style", picture, "-o", tmp_path / "a.png", *words)
    assert run.code == 2
    assert "holds files already" in run.err
    assert mine.read_text() == "mine"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--model", "sd15"], "cartoonedit models fetch sd15"),
        (["--controlnet", "controlnet-lineart"], "cartoonedit models fetch controlnet-lineart"),
        (["--lora", "{sdxl}"], "same"),
        (["--lora", "{broken}"], "no whole .safetensors file"),
        (["--lora", "{other}"], "no LoRA"),
        (["--lora", "absent.safetensors"], "there is no file"),
        (["--only", "character-9"], "there is no part 'character-9'"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_what_cannot_be_done(
    cli: Any, saved: Path, tmp_path: Path, networks: Any, tiny_lora: Build, change: list[str],
    message: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    import torch

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    broken, other = tmp_path / "broken.safetensors", tmp_path / "other.safetensors"
    broken.write_bytes(b"\x10\x00")
    save_file({"weight": torch.zeros(2)}, other)
    files = {"sdxl": tiny_lora("sdxl"), "broken": broken, "other": other}
    words = [word.format(**files) for word in change]
    out = tmp_path / "styled.png"
    run = cli("style", saved, "-o", out, "--prompt", "ink", *networks, *words)
    assert run.code == 1
    assert message in " ".join(run.err.split())
    assert not out.exists()


def test_a_recipe_and_its_scene(cli: Any, saved: Path, tmp_path: Path, networks: Any) -> None:
    recipe = tmp_path / "style.yaml"
    recipe.write_text(
        "prompt: ink\nseed: 5\nparts: {character-1: {prompt: hat}, background: {skip: true}}"
    )
    out, kept, sheet = tmp_path / "a.png", tmp_path / "kept", tmp_path / "sheet.png"
    words = ["--recipe", recipe, "--save-scene", kept, "--sheet", sheet, "--json", *networks]
    run = cli("style", saved, "-o", out, "--seed", "6", *words)
    assert run.code == 0, run.err
    (result,) = json.loads(run.out)["pictures"]
    assert {part["name"]: part["prompt"] for part in result["parts"]} == {
        "character-1": "ink, hat", "character-2": "ink",
    }  # fmt: skip
    assert read(sheet).shape[1] > read(out).shape[1]
    again = tmp_path / "again.png"
    assert cli("style", kept, "-o", again, "--prompt", "ink", "--seed", "6", *networks).code == 0
    np.testing.assert_array_equal(read(again), read(out))  # the scene remembers its parts
    (tmp_path / "bad.yaml").write_text("colour: red")
    run = cli("style", saved, "-o", out, "--recipe", tmp_path / "bad.yaml", *networks)
    assert run.code == 2
    assert "has no colour" in run.err


def test_what_is_said_of_single_parts_wins(
    cli: Any, saved: Path, tmp_path: Path, networks: Any
) -> None:
    recipe = tmp_path / "style.yaml"
    recipe.write_text("parts: {character-1: {prompt: hat, seed: 7}, background: {prompt: sea}}")
    words = ["--prompt", "ink", "--recipe", recipe, "--skip", "background", "--json"]
    words += ["--prompt-for", "character-1=a=b, red", "--strength-for", "character-2=0.9"]
    first, kept = tmp_path / "a.png", tmp_path / "kept"
    run = cli("style", saved, "-o", first, *words, "--save-scene", kept, *networks)
    assert run.code == 0, run.err
    (result,) = json.loads(run.out)["pictures"]
    assert {part["name"]: part["prompt"] for part in result["parts"]} == {
        "character-1": "ink, a=b, red", "character-2": "ink",
    }  # fmt: skip
    stored = Scene.load(kept).meta["style"]["parts"]
    assert stored["character-1"] == {"prompt": "a=b, red", "seed": 7}
    assert stored["background"] == {"prompt": "sea", "skip": True}


def test_all_that_is_written_of_one_picture(
    cli: Any, saved: Path, tmp_path: Path, networks: Any
) -> None:
    names = {"--strips": "strips.png", "--layers": "layers.ora", "--sheet": "sheet.png"}
    words = [each for option, name in names.items() for each in (option, tmp_path / name)]
    assert (
        cli("style", saved, "-o", tmp_path / "a.png", "--prompt", "ink", *words, *networks).code
        == 0
    )
    assert all((tmp_path / name).is_file() for name in names.values())
    record = json.loads((tmp_path / "a.png.run.json").read_text())
    assert not {"strips", "layers", "sheet"} & record["arguments"].keys()


@pytest.mark.parametrize("how", ["well", "stopped", "failed"])
def test_the_preview_is_there_while_the_work_goes_on(
    cli: Any, saved: Path, tmp_path: Path, networks: Any, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    seen = tmp_path / "seen.png"
    sizes = []

    def save(styled: Any, path: Path) -> None:
        with Image.open(seen) as preview:
            sizes.append(preview.size)
        if how != "well":
            raise KeyboardInterrupt if how == "stopped" else OSError(28, "No space left on device")
        path.touch()

    monkeypatch.setattr("apps.style.Styled.save", save)
    words = ["--prompt", "ink", "--preview", seen, *networks]
    run = cli("style", saved, "-o", tmp_path / "a.png", *words)
    assert run.code == {"well": 0, "stopped": 130, "failed": 1}[how], run.err
    assert len(sizes) == 1
    assert not seen.exists()
    if how == "well":
        assert "preview" not in json.loads((tmp_path / "a.png.run.json").read_text())["arguments"]


def test_a_preview_that_was_not_written_is_not_removed(
    cli: Any, saved: Path, tmp_path: Path, networks: Any
) -> None:
    (tmp_path / "mine.png").write_text("mine")
    words = ["--prompt", "ink", "--only", "nobody", "--preview", tmp_path / "mine.png", *networks]
    assert cli("style", saved, "-o", tmp_path / "a.png", *words).code == 1
    assert (tmp_path / "mine.png").read_text() == "mine"


def test_rerun_repeats_what_a_recipe_said(
    cli: Any, saved: Path, tmp_path: Path, networks: Any
) -> None:
    recipe = tmp_path / "style.yaml"
    recipe.write_text("prompt: ink\nseed: 5\nstrength: 0.9")
    first, again = tmp_path / "a.png", tmp_path / "b.png"
    assert cli("style", saved, "-o", first, "--recipe", recipe, *networks).code == 0
    run = cli("rerun", tmp_path / "a.png.run.json", "-o", again)
    assert run.code == 0, run.err
    np.testing.assert_array_equal(read(again), read(first))


@pytest.mark.parametrize("word", ["onep", "onep/*", "onep/*.png"])
@pytest.mark.slow
def test_a_folder_of_one_picture(
    cli: Any, two_discs: Any, picture: Path, tmp_path: Path, networks: Any, word: str
) -> None:
    """What is asked for, not how much is found, decides where results go."""
    (tmp_path / "onep").mkdir()
    picture.rename(tmp_path / "onep" / "one.png")
    words = ["--prompt", "ink", "--skip", "background", *networks]
    assert cli("style", tmp_path / word, "-o", tmp_path / "out", *words).code == 0
    assert (tmp_path / "out" / "one.png").is_file()
    assert cli("style", tmp_path / word, "-o", tmp_path / "b.png", *words).code == 0
    assert (tmp_path / "b.png").is_file()


@pytest.mark.slow
def test_a_batch_that_was_stopped_goes_on(
    cli: Any, two_discs: Any, picture: Path, tmp_path: Path, networks: Any
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.png").write_bytes(picture.read_bytes())
    words = [
        "style", folder, "-o", out, "--prompt", "ink", "--skip", "background",
        "--save-scene", tmp_path / "kept", *networks,
    ]  # fmt: skip
    assert cli(*words).code == 0
    before = {name: (out / name).stat().st_mtime_ns for name in ("a.png", "b.png", "c.png")}
    (out / "b.png.run.json").unlink()  # as if stopped before it was written
    shutil.rmtree(tmp_path / "kept" / "b")
    run = cli(*words)
    assert run.code == 0, run.err
    assert "2 of them were translated before; --overwrite translates them again" in run.err
    assert two_discs[-1].seen == ["b.png"]
    after = {name: (out / name).stat().st_mtime_ns for name in before}
    assert [name for name in before if before[name] != after[name]] == ["b.png"]

    words[words.index("--save-scene") + 1] = tmp_path / "anew"
    run = cli(*words, "--json")
    assert [entry["kept"] for entry in json.loads(run.out)["pictures"]] == [True, True, True]
    assert len(two_discs) == 2  # no network was loaded for nothing
    assert cli(*words, "--overwrite").code == 0
    assert two_discs[-1].seen == ["a.png", "b.png", "c.png"]
    assert cli("rerun", out / "a.png.run.json").code == 0
    assert two_discs[-1].seen == ["a.png"]


@pytest.mark.slow
def test_a_result_of_another_picture_is_not_taken_for_ones_own(
    cli: Any, two_discs: Any, picture: Path, tmp_path: Path, networks: Any
) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(picture.read_bytes())
    words = ["-o", tmp_path / "out", "--prompt", "ink", "--skip", "background", *networks]
    for name in ("one", "other", "one"):
        run = cli("style", tmp_path / name, *words)
        assert (run.code, run.err) == (0, "")
    assert [each.seen for each in two_discs] == [["a.png"]] * 3


@pytest.mark.parametrize("word", ["parts", "parts/*", "parts/?"])
@pytest.mark.slow
def test_a_folder_of_scenes(
    cli: Any, two_discs: Any, picture: Path, tmp_path: Path, networks: Any, word: str
) -> None:
    other = tmp_path / "b.png"
    other.write_bytes(picture.read_bytes())
    assert (
        cli("segment", picture.rename(tmp_path / "a.png"), other, "-o", tmp_path / "parts").code
        == 0
    )
    two_discs.clear()
    words = ["--prompt", "ink", "--skip", "background", *networks]
    run = cli("style", tmp_path / word, "-o", tmp_path / "out", *words)
    assert run.code == 0, run.err
    assert sorted(path.name for path in (tmp_path / "out").glob("*.png")) == ["a.png", "b.png"]
    assert two_discs == []


@pytest.mark.parametrize("name", ["picture.png", "masks/character-1.png"])
def test_a_scene_is_not_written_over(cli: Any, saved: Path, name: str) -> None:
    before = (saved / name).read_bytes()
    run = cli("style", saved, "-o", saved / name, "--prompt", "ink")
    assert run.code == 2
    assert "would be written over" in " ".join(run.err.split())
    assert (saved / name).read_bytes() == before


def test_a_full_disk_is_told_with_the_result(
    cli: Any, saved: Path, tmp_path: Path, networks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(image: Any, path: Path, **_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("PIL.Image.Image.save", full)
    out = tmp_path / "a.png"
    run = cli("style", saved, "-o", out, "--prompt", "ink", "--skip", "background", *networks)
    assert (run.code, run.err) == (1, f"cartoonedit: {saved}: No space left on device: {out}\n")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    from cartoonedit.video import VideoWriter

    with VideoWriter(tmp_path / "clip.mp4", (64, 48), 12) as writer:
        for index in range(2):
            writer.write(np.full((48, 64, 3), 90 + index, np.uint8))
    return tmp_path / "clip.mp4"


@pytest.mark.slow
def test_a_clip(cli: Any, two_discs: Any, clip: Path, tmp_path: Path, networks: Any) -> None:
    from cartoonedit.video_reader import VideoReader

    out = tmp_path / "styled.mp4"
    words = ["--prompt", "ink", "--flow", "0.5", "--skip", "background", "--json"]
    run = cli("style", clip, "-o", out, *words, *networks)
    assert run.code == 0, run.err
    (result,) = json.loads(run.out)["pictures"]
    assert result["clip"] == str(out)
    frames = VideoReader(out)
    assert (frames.fps, frames.frame_count, frames.size_wh) == (12, 2, (64, 48))
    again = tmp_path / "again.mp4"
    assert cli("rerun", tmp_path / "styled.mp4.run.json", "-o", again).code == 0
    assert again.read_bytes() == out.read_bytes()


@pytest.mark.slow
def test_a_stopped_clip_goes_on(
    cli: Any,
    two_discs: Any,
    clip: Path,
    tmp_path: Path,
    networks: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from apps.style import StyleEditor

    out = tmp_path / "styled.mp4"
    command = ["style", clip, "-o", out, "--prompt", "ink", "--skip", "background", *networks]
    own, calls = StyleEditor.__call__, 0

    def stops_at_the_second(self: Any, *given: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return own(self, *given, **options)

    monkeypatch.setattr(StyleEditor, "__call__", stops_at_the_second)
    run = cli(*command)
    assert run.code == 130
    assert "goes on from there" in run.err
    assert not out.exists()
    assert cli(*command).code == 0
    assert calls == 3
    assert not (tmp_path / "styled.mp4.part").exists()


@pytest.mark.slow
def test_a_folder_of_frames(
    cli: Any, two_discs: Any, clip: Path, tmp_path: Path, networks: Any
) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for index in range(2):
        Image.fromarray(np.full((48, 64, 3), 90 + index, np.uint8)).save(folder / f"{index}.png")
    words = ["--prompt", "ink", "--skip", "background", *networks]
    assert cli("style", folder, "-o", tmp_path / "a.gif", *words).code == 0
    assert cli("style", folder, "-o", tmp_path / "b", "--flow", "0.5", *words).code == 0
    assert sorted(p.name for p in (tmp_path / "b").glob("*.png")) == ["00000.png", "00001.png"]
    assert cli("style", folder, "-o", tmp_path / "c", *words).code == 0
    assert sorted(p.name for p in (tmp_path / "c").glob("*.png")) == ["0.png", "1.png"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "a.png"], "the ending must be one of"),
        (["-o", "a.mp4", "--sheet", "a.png"], "--sheet is for one picture; got a clip"),
        (["-o", "a.mp4", "--save-scene", "a.d"], "--save-scene is for pictures"),
        (["-o", "clip.mp4"], "would be written over"),
    ],
)
def test_wrong_usage_of_clips(
    cli: Any, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str],
    message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    run = cli("style", clip, "--prompt", "ink", *words)
    assert run.code == 2
    assert message in " ".join(run.err.split())
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.slow
def test_frames_do_not_go_into_a_folder_of_the_user(
    cli: Any, two_discs: Any, clip: Path, tmp_path: Path, networks: Any
) -> None:
    mine, own = tmp_path / "mine", tmp_path / "own"
    mine.mkdir()
    for name in ("00000.png", "00099.png"):
        (mine / name).write_text("mine")
    words = ["--prompt", "ink", "--skip", "background", *networks]
    run = cli("style", clip, "-o", mine, *words)
    assert run.code == 2
    assert "holds files already" in " ".join(run.err.split())
    assert [path.read_text() for path in mine.iterdir()] == ["mine", "mine"]
    for _ in range(2):  # over its own frames
        assert cli("style", clip, "-o", own, *words).code == 0
    assert cli("rerun", own / "run.json").code == 0


def test_a_damaged_clip_fails_alone(
    cli: Any, two_discs: Any, picture: Path, tmp_path: Path, networks: Any
) -> None:
    (tmp_path / "bad.mp4").write_text("no clip" * 99)
    words = ["--prompt", "ink", "--skip", "background", *networks]
    run = cli("style", tmp_path / "bad.mp4", picture, "-o", tmp_path / "out", *words)
    assert run.code == 1
    assert "bad.mp4 is no video that can be read" in run.err
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "picture.png", "picture.png.run.json",
    ]  # fmt: skip
