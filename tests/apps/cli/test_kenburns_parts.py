"""`cartoonedit kenburns`: where the depth map and the background come from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cartoonedit.scene import Scene

SHORT = ["--duration", "0.1", "--fps", "30"]


@pytest.fixture
def saved(tiny_scene: Any, tmp_path: Path) -> Path:
    tiny_scene.save(tmp_path / "scene")
    return tmp_path / "scene"


def last_frame(folder: Path) -> np.ndarray:
    return np.asarray(Image.open(sorted(folder.glob("*.png"))[-1]))


def test_latent_diffusion_paints_the_plate(
    cli: Any, saved: Path, tmp_path: Path, tiny_diffusion: Any
) -> None:
    out, kept = tmp_path / "clip", tmp_path / "kept"
    run = cli(
        "kenburns", saved, "-o", out, *SHORT, "--inpainter", "latent-diffusion",
        "--inpaint-model", tiny_diffusion("sd15", 9), "--inpaint-steps", "4",
        "--inpaint-side", "64", "--inpaint-prompt", "night sky", "--device", "cpu",
        "--save-scene", kept,
    )  # fmt: skip
    assert run.code == 0, run.err
    scene, before = Scene.load(kept), Scene.load(saved)
    assert scene.inpainter == "latent-diffusion"
    changed = (scene.plate != before.plate).any(axis=2)
    assert changed.any()
    outside = (scene.plate == scene.picture).all(axis=2)
    assert outside[before.union_mask() == 0].mean() > 0.5
    record = json.loads((out / "run.json").read_text())
    assert record["arguments"]["inpaint_prompt"] == "night sky"


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (["--inpainter", "latent-diffusion"], "stable-diffusion-v1-5/stable-diffusion-inpainting"),
        (["--inpainter", "lama"], "lama-anime-manga"),
        (["--depth", "leres"], "leres"),
        (["--depth", "nobody/nothing"], "nobody/nothing"),
    ],
)
def test_weights_that_are_not_here(
    cli: Any, saved: Path, tmp_path: Path, options: list[str], name: str
) -> None:
    run = cli("kenburns", saved, "-o", tmp_path / "clip.mp4", *SHORT, *options)
    assert run.code == 1
    assert name in run.err
    assert "etch it with" in run.err or "etch them with" in run.err
    assert not (tmp_path / "clip.mp4").exists()


def test_a_plate_of_the_user(cli: Any, saved: Path, tmp_path: Path) -> None:
    scene = Scene.load(saved)
    width, height = scene.size_wh
    Image.new("RGB", (width, height), "magenta").save(tmp_path / "plate.png")
    words = ["kenburns", saved, *SHORT, "--move", "orbit", "--strength", "3", "--size", "256x192"]
    words += ["--instance-depth", "character-1=0", "--instance-depth", "character-2=0.1"]
    assert cli(*words, "-o", tmp_path / "a", "--plate", tmp_path / "plate.png").code == 0
    magenta = (last_frame(tmp_path / "a")[..., :3] == (255, 0, 255)).all(axis=2)
    assert magenta.mean() > 0.3
    Image.new("RGB", (3, 3)).save(tmp_path / "small.png")
    run = cli(*words, "-o", tmp_path / "b", "--plate", tmp_path / "small.png")
    assert run.code == 1
    assert "plate must have the shape of the picture" in run.err


def test_depth_by_hand_is_kept_in_the_scene(cli: Any, saved: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    run = cli(
        "kenburns", saved, "-o", tmp_path / "a", *SHORT, "--instance-depth", "character-1=0.9",
        "--instance-depth", "character-2=0.05", "--save-scene", kept,
    )  # fmt: skip
    assert run.code == 0, run.err
    assert [one.depth for one in Scene.load(kept)] == [0.9, 0.05]
    assert cli("kenburns", kept, "-o", tmp_path / "b", *SHORT).code == 0
    np.testing.assert_array_equal(last_frame(tmp_path / "a"), last_frame(tmp_path / "b"))


@pytest.mark.parametrize(
    ("value", "code", "message"),
    [
        ("character-1=2", 2, "0 to 1"),
        ("character-1", 2, "NAME=DEPTH"),
        ("=0.5", 2, "NAME=DEPTH"),
        ("hero=0.5", 1, "there is no instance 'hero'"),
    ],
)
def test_depth_by_hand_that_makes_no_sense(
    cli: Any, saved: Path, tmp_path: Path, value: str, code: int, message: str
) -> None:
    run = cli("kenburns", saved, "-o", tmp_path / "a", *SHORT, "--instance-depth", value)
    assert run.code == code
    assert message in run.err


@pytest.mark.parametrize("convention", ["far-white", "near-white", "metric"])
def test_depth_conventions(cli: Any, saved: Path, tmp_path: Path, convention: str) -> None:
    width, height = Scene.load(saved).size_wh
    ramp = np.linspace(1000, 60000, height).astype(np.uint16)[:, None].repeat(width, axis=1)
    Image.fromarray(ramp).save(tmp_path / "depth.png")
    kept = tmp_path / "kept"
    run = cli(
        "kenburns", saved, "-o", tmp_path / "a", *SHORT, "--depth", tmp_path / "depth.png",
        "--depth-convention", convention, "--save-scene", kept,
    )  # fmt: skip
    assert run.code == 0, run.err
    depth = Scene.load(kept).depth[:, 0]
    assert (np.diff(depth) > 0).all() == (convention != "near-white")


@pytest.mark.parametrize("name", ["out.glb", "out.gltf", "out.psd", "out.ora", "out"])
def test_layers_beside_the_clip(cli: Any, saved: Path, tmp_path: Path, name: str) -> None:
    run = cli("kenburns", saved, "-o", tmp_path / "a.webp", *SHORT, "--layers", tmp_path / name)
    assert run.code == 0, run.err
    assert (tmp_path / name).exists()


def test_layers_of_another_kind(cli: Any, saved: Path, tmp_path: Path) -> None:
    run = cli("kenburns", saved, "-o", tmp_path / "a.webp", "--layers", tmp_path / "out.fbx")
    assert run.code == 2
    assert ".glb" in run.err
    shutil.copytree(saved, tmp_path / "other")
    two = [saved, tmp_path / "other"]
    run = cli("kenburns", *two, "-o", tmp_path / "a", "--layers", tmp_path / "out.glb")
    assert run.code == 2
    assert "for one picture" in run.err
