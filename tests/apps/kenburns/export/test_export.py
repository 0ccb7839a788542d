from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from apps.kenburns import KenBurns
from apps.kenburns.export import FORMATS, export_layers
from cartoonedit.errors import Cancelled, CartooneditError, InvalidInput
from cartoonedit.scene import Instance, Scene


def contents(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else sorted(path.rglob("*.*"))
    return {file.name: file.read_bytes() for file in files}


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("size_wh", [(1, 1), (2, 3), (40, 1)])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_any_size(tmp_path: Path, ending: str, size_wh: tuple[int, int], count: int) -> None:
    picture = np.full((size_wh[1], size_wh[0], 3), 77, np.uint8)
    everything = np.full(picture.shape[:2], 255, np.uint8)
    scene = Scene(picture, [Instance(everything)] * count)
    camera = KenBurns().prepare(scene).pose
    path = export_layers(scene, tmp_path / f"a{ending}", camera=camera, duration=0.1)
    assert path.exists() and all(contents(path).values())


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.slow
def test_same_seed_same_bytes(make_scene, tmp_path: Path, ending: str) -> None:
    def export(name: str, seed: int) -> dict[str, bytes]:
        # Without a plate, so that inpainting is part of it.
        scene = make_scene("overlap", plate=None)
        camera = KenBurns(move="orbit", seed=seed).prepare(scene).pose
        path = export_layers(scene, tmp_path / name / f"a{ending}", seed=seed, camera=camera)
        return contents(path)

    first = export("1", 1)
    assert first == export("2", 1)
    assert first != export("3", 2)


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("pool", ["mean", "median", "base", "none"])
def test_pooling(make_scene, tmp_path: Path, ending: str, pool: str) -> None:
    assert export_layers(make_scene("overlap"), tmp_path / f"a{ending}", pool=pool).exists()


@pytest.mark.parametrize("name", ["a.obj", "a.mp4", "a.glb.zip"])
def test_an_unknown_ending(make_scene, tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match=r"one of \.glb, \.gltf, \.psd, \.ora, or none"):
        export_layers(make_scene("none"), tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", [{"pool": "max"}, {"fps": 0}, {"duration": 0}, {"seed": -1}])
def test_wrong_options_are_refused(make_scene, tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        export_layers(make_scene("none"), tmp_path / "a.glb", **wrong)


def test_endings_count_in_any_case_and_folders_may_have_dots(make_scene, tmp_path: Path) -> None:
    assert export_layers(make_scene("none"), tmp_path / "A.GLB").read_bytes()[:4] == b"glTF"
    folder = tmp_path / "take.2"
    folder.mkdir()
    export_layers(make_scene("none"), folder)
    assert (folder / "import.jsx").exists()


@pytest.mark.parametrize("ending", FORMATS)
def test_what_stands_in_the_way_stays(make_scene, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    if ending:
        path.mkdir()
    else:
        path.write_bytes(b"mine")
    with pytest.raises(InvalidInput, match="cannot write a f"):
        export_layers(make_scene("none"), path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.is_dir() if ending else path.read_bytes() == b"mine"


@pytest.mark.parametrize("ending", FORMATS)
def test_a_place_that_cannot_be_written_to(make_scene, tmp_path: Path, ending: str) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with pytest.raises(CartooneditError, match=r"cannot write .*is a file, not a folder"):
        export_layers(make_scene("none"), blocked / f"a{ending}")
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("at", [0, 1])
def test_stopped_by_the_progress_callback(make_scene, tmp_path: Path, ending: str, at: int) -> None:
    def stop(step: int, total: int, message: str) -> None:
        if step == at:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        export_layers(make_scene("overlap"), tmp_path / f"a{ending}", progress=stop)
    assert not list(tmp_path.iterdir())


def test_progress_is_told(make_scene, tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    path = tmp_path / "a.glb"
    export_layers(make_scene("none"), path, progress=lambda *step: told.append(step))
    assert [(step, total) for step, total, _ in told] == [(0, 2), (1, 2), (2, 2)]
    assert "a.glb" in told[1][2]
