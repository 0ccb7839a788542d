"""Synthesised datasets: the same bytes however they are made, whole after any interruption."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cartoonedit.errors import Cancelled, InvalidInput
from segmentation.dataset.compose import compose
from segmentation.dataset.engines import run_local, run_ray
from segmentation.dataset.recipe import EMBEDDED, Recipe
from segmentation.dataset.shards import Job, is_whole, open_sources
from segmentation.dataset.synthesise import MANIFEST, shard_size_for, synthesise
from tests.segmentation.dataset.material import write_art
from tests.segmentation.dataset.test_photos import coco


@pytest.fixture(scope="module")
def art(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_art(tmp_path_factory.mktemp("art"))


@pytest.fixture(scope="module")
def job_in(art: Path) -> Callable[..., Job]:
    def make(out: Path, count: int = 12, **more: Any) -> Job:
        return Job(
            **{
                "foregrounds": art / "foregrounds", "backgrounds": art / "backgrounds",
                "photos": None, "out": out, "count": count, "size_wh": (96, 80), "shard_size": 5,
                **more,
            }
        )  # fmt: skip

    return make


@pytest.fixture(scope="module")
def straight(job_in: Callable[..., Job], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of 12 scenes made in one go by one process."""
    job = job_in(tmp_path_factory.mktemp("straight") / "data")
    synthesise(job, run_local)
    return job.out


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def stop_after(scenes: int) -> Callable[..., None]:
    """A single worker that is stopped in the middle of a shard."""

    def run(job: Job, shards: list[int], report: Callable[[int], None]) -> None:
        def count(done: int) -> None:
            report(done)
            if done == scenes:
                raise Cancelled("stopped")

        run_local(job, shards, count)

    return run


def test_the_folder_says_what_it_holds(straight: Path, job_in: Callable[..., Job]) -> None:
    manifest = json.loads((straight / MANIFEST).read_text())
    assert manifest["complete"]
    assert [shard["count"] for shard in manifest["shards"]] == [5, 5, 2]
    content = json.loads((straight / "annotations.json").read_text())
    assert [image["id"] for image in content["images"]] == list(range(12))
    assert manifest["instances"] == len(content["annotations"])
    ids = [annotation["id"] for annotation in content["annotations"]]
    assert len(set(ids)) == len(ids)
    job = job_in(straight)
    for image in content["images"]:
        picture = cv2.imread(str(straight / image["file_name"]))
        sample = compose(open_sources(job), 0, image["id"], (96, 80), job.recipe)
        np.testing.assert_array_equal(picture[..., ::-1], sample.picture)
        assert image["drawn"] == sample.drawn


def test_coco_tools_read_the_masks(straight: Path, job_in: Callable[..., Job]) -> None:
    from pycocotools.coco import COCO

    known = COCO(str(straight / "annotations.json"))
    job = job_in(straight)
    for image_id in known.getImgIds():
        sample = compose(open_sources(job), 0, image_id, (96, 80), job.recipe)
        annotations = known.loadAnns(known.getAnnIds(imgIds=[image_id]))
        assert len(annotations) == len(sample.alphas) >= 1
        for annotation, alpha, amodal, file in zip(
            annotations, sample.alphas, sample.amodal, sample.files, strict=True
        ):
            mask = known.annToMask(annotation).astype(bool)
            np.testing.assert_array_equal(mask, alpha > 127)
            whole = known.annToMask(
                {**annotation, "segmentation": annotation["amodal_segmentation"]}
            )
            np.testing.assert_array_equal(whole.astype(bool), amodal > 127)
            assert annotation["area"] == mask.sum()
            x, y, w, h = annotation["bbox"]
            assert mask[y : y + h, x : x + w].sum() == mask.sum()
            assert mask[:, x].any() and mask[y].any() and mask[y + h - 1, :].any()
            assert annotation["cutout"] == f"{file.source}/{file.path.name}"
            assert annotation["visible"] == pytest.approx(
                mask.sum() / (amodal > 127).sum(), abs=1e-4
            )


@pytest.mark.slow
@pytest.mark.parametrize("engine", [partial(run_local, workers=2), partial(run_ray, workers=2)],
                         ids=["two processes", "ray"])  # fmt: skip
def test_more_workers_make_the_same(
    engine: Any, job_in: Callable[..., Job], straight: Path, tmp_path: Path
) -> None:
    job = job_in(tmp_path / "data")
    synthesise(job, engine)
    assert files_of(job.out) == files_of(straight)


@pytest.mark.parametrize("scenes", [1, 5, 8, 11])
def test_a_stopped_run_is_completed(
    scenes: int, job_in: Callable[..., Job], straight: Path, tmp_path: Path
) -> None:
    job = job_in(tmp_path / "data")
    with pytest.raises(Cancelled):
        synthesise(job, stop_after(scenes))
    whole = (scenes - 1) // 5  # a shard counts when it is renamed, after its last scene
    assert sum(is_whole(job, shard) for shard in range(3)) == whole
    assert not list(job.out.glob(".*"))
    assert synthesise(job, run_local).kept == whole
    assert files_of(job.out) == files_of(straight)


def test_a_finished_run_is_left_alone_and_a_longer_one_extends_it(
    job_in: Callable[..., Job], straight: Path, tmp_path: Path
) -> None:
    def nobody(*_: Any) -> None:
        raise AssertionError("there is nothing to do")

    job = job_in(tmp_path / "data", count=7)
    synthesise(job, run_local)
    assert synthesise(job, nobody).kept == 2
    assert synthesise(replace(job, count=12), run_local).kept == 1
    assert files_of(job.out) == files_of(straight)
    with pytest.raises(InvalidInput, match="cannot shrink"):
        synthesise(replace(job, count=7), run_local)


@pytest.mark.parametrize("damage", ["picture", "extra", "record", "annotations"])
def test_damaged_shards_are_made_again(
    damage: str, job_in: Callable[..., Job], straight: Path, tmp_path: Path
) -> None:
    job = job_in(tmp_path / "data")
    synthesise(job, run_local)
    shard = job.place(1)
    match damage:
        case "picture":
            next(shard.glob("*.jpg")).write_bytes(b"")
        case "extra":
            (shard / "000000099.jpg").write_bytes(b"x")
        case "record":
            job.record_place(1).write_text("{")
        case "annotations":
            (shard / "annotations.json").unlink()
    assert synthesise(job, run_local).kept == 2
    assert files_of(job.out) == files_of(straight)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_killed_runs_lose_and_double_nothing(
    art: Path, job_in: Callable[..., Job], tmp_path: Path
) -> None:
    job = replace(job_in(tmp_path / "data", count=60), size_wh=(192, 192))
    command = [
        sys.executable, "-c", "from apps.cli import main; main()", "dataset", "synthesise",
        "--foregrounds", str(job.foregrounds), "--backgrounds", str(job.backgrounds),
        "--out", str(job.out), "--count", "60", "--size", "192x192", "--shard-size", "5",
        "--workers", "2",
    ]  # fmt: skip
    for _ in range(2):
        seen = len(list(job.out.glob("shard-*.json")))
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while child.poll() is None and len(list(job.out.glob("shard-*.json"))) < seen + 2:
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        child.wait()
    subprocess.run(command, check=True, capture_output=True)
    one_go = replace(job, out=tmp_path / "straight")
    synthesise(one_go, run_local)
    assert files_of(job.out) == files_of(one_go.out)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="workers are found in /proc")
@pytest.mark.parametrize("engine", [run_local, run_ray])
def test_the_work_of_a_killed_worker_is_done_by_another(
    engine: Any, job_in: Callable[..., Job], tmp_path: Path
) -> None:
    job = replace(job_in(tmp_path / "data", count=120), size_wh=(256, 256))
    killed: list[int] = []

    def kill_one(done: int) -> None:
        # Between two shards no worker may be at work: then the next report kills one.
        if not killed and done >= 5 and (at_work := workers()):
            killed.append(at_work[0])
            os.kill(killed[0], signal.SIGKILL)

    def run(job: Job, shards: list[int], report: Callable[[int], None]) -> None:
        def watched(done: int) -> None:
            report(done)
            kill_one(done)

        engine(job, shards, watched, workers=2)

    synthesise(job, run)
    assert killed
    one_go = replace(job, out=tmp_path / "straight")
    synthesise(one_go, run_local)
    assert files_of(job.out) == files_of(one_go.out)


def workers() -> list[int]:
    """The process ids of workers below this process that are at work on shards."""
    below = {os.getpid()}
    found = []
    for folder in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        try:
            status = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if int(status[1]) in below:
            below.add(int(folder.name))
            if "spawn_main" in command or command.startswith("ray::_write"):
                found.append(int(folder.name))
    return found


def test_tars_hold_the_same_scenes(
    job_in: Callable[..., Job], straight: Path, tmp_path: Path
) -> None:
    job = job_in(tmp_path / "data", form="webdataset")
    synthesise(job, run_local)
    seen = []
    for shard in sorted(job.out.glob("*.tar")):
        with tarfile.open(shard) as tar:
            names = tar.getnames()
            for picture, text in zip(names[::2], names[1::2], strict=True):
                assert Path(picture).stem == Path(text).stem
                entry = json.loads(tar.extractfile(text).read())  # type: ignore[union-attr]
                folder = straight / shard.stem
                assert tar.extractfile(picture).read() == (folder / picture).read_bytes()  # type: ignore[union-attr]
                seen.append(entry)
    content = json.loads((straight / "annotations.json").read_text())
    assert [e["image"]["id"] for e in seen] == [image["id"] for image in content["images"]]
    assert [a for e in seen for a in e["annotations"]] == content["annotations"]
    again = replace(job, out=tmp_path / "again")
    synthesise(again, run_local)
    assert files_of(again.out) == files_of(job.out)


@pytest.mark.parametrize(
    "other",
    [{"seed": 1}, {"size_wh": (96, 96)}, {"recipe": EMBEDDED}, {"form": "webdataset"},
     {"shard_size": 6}, {"recipe": Recipe(shadow=0.5)}],
    ids=lambda other: next(iter(other)),
)  # fmt: skip
def test_another_dataset_is_not_mixed_in(
    other: dict[str, Any], job_in: Callable[..., Job], straight: Path
) -> None:
    before = files_of(straight)
    with pytest.raises(InvalidInput, match=next(iter(other))):
        synthesise(job_in(straight, **other), run_local)
    assert files_of(straight) == before


def test_photos_lay_the_scenes_out(job_in: Callable[..., Job], tmp_path: Path) -> None:
    photo = tmp_path / "instances.json"
    photo.write_text(json.dumps(coco()))
    job = job_in(tmp_path / "data", count=6, photos=photo, recipe=Recipe(mean_subjects=0.01))
    synthesise(job, run_local)
    photo.unlink()  # all that is needed of it is kept
    boxes = job.out / "person_boxes.json"
    assert synthesise(replace(job, photos=boxes), run_local).kept == 2
    content = json.loads((job.out / "annotations.json").read_text())
    centres = [(a["bbox"][0] + a["bbox"][2] / 2) / 96 for a in content["annotations"]]
    assert np.allclose([min(abs(c - 0.1), abs(c - 0.625)) for c in centres], 0, atol=0.05)


@pytest.mark.parametrize(
    "wrong", [{"count": 0}, {"shard_size": 0}, {"size_wh": (8, 96)}, {"size_wh": (96, 10000)}]
)
def test_senseless_jobs_are_refused(
    wrong: dict[str, Any], job_in: Callable[..., Job], tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput):
        job_in(tmp_path, **wrong)


def test_small_datasets_have_small_shards(straight: Path, tmp_path: Path) -> None:
    sizes = [shard_size_for(tmp_path, count) for count in (1, 16, 20, 98600)]
    assert sizes == [1, 1, 2, 200]
    assert shard_size_for(straight, 98600) == 5


def test_a_strange_manifest_is_no_dataset(job_in: Callable[..., Job], tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text("[]")
    with pytest.raises(InvalidInput, match="no manifest of a dataset"):
        synthesise(job_in(tmp_path), run_local)
