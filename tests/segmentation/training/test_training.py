"""Training: a few steps on drawn material, stopped and resumed, and its weights used."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open

from cartoonedit.errors import Cancelled, InvalidInput
from segmentation.dataset.photos import PersonPhotos
from segmentation.isnet import ISNet
from segmentation.models import load_refiner
from segmentation.rtmdet import RTMDetIns
from segmentation.training.detector import train_detector
from segmentation.training.loop import save_weights
from segmentation.training.material import open_scenes
from segmentation.training.options import DetectorOptions, Material, RefinerOptions, TrainOptions
from segmentation.training.refiner import train_refiner
from segmentation.training.start import load_start
from tests.segmentation.dataset.material import write_art


@pytest.fixture(scope="module")
def art(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_art(tmp_path_factory.mktemp("art"))


def options(**more: Any) -> TrainOptions:
    quick = {"steps": 4, "batch": 2, "workers": 0, "precision": "no", "log_steps": 1}
    return TrainOptions(**{**quick, **more})


def detector(art: Path, out: Path, **more: Any) -> None:
    stage = DetectorOptions(size="nano", sides="64")
    train_detector(Material(art=art), options(**more), stage, out)


def refiner(art: Path, out: Path, stage: dict[str, Any] | None = None, **more: Any) -> None:
    chosen = RefinerOptions(**{"width": 0.1, "sides": "64", "canvas": 96, **(stage or {})})
    train_refiner(Material(art=art), options(**more), chosen, out)


def state(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = torch.load(folder / "last.pt", weights_only=True)
    return found


def assert_same(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert a["step"] == b["step"]
    for part in ("net", "average"):
        for name, tensor in a[part].items():
            assert torch.equal(tensor, b[part][name]), name
    moments = [s["optimizer"]["state"] for s in (a, b)]
    for number, values in moments[0].items():
        for name, tensor in values.items():
            assert torch.equal(tensor, moments[1][number][name]), name


@pytest.mark.slow
def test_a_stopped_run_ends_as_one_that_was_not(art: Path, tmp_path: Path) -> None:
    detector(art, tmp_path / "through", sheet_steps=2)
    calls = []

    def stop(step: int, total: int, message: str) -> None:
        calls.append(step)
        if step == 2:
            raise Cancelled("stopped")

    stage = DetectorOptions(size="nano", sides="64")
    with pytest.raises(Cancelled):
        train_detector(Material(art=art), options(), stage, tmp_path / "stopped", stop)
    assert state(tmp_path / "stopped")["step"] == 2
    detector(art, tmp_path / "stopped")
    assert_same(state(tmp_path / "through"), state(tmp_path / "stopped"))
    detector(art, tmp_path / "stopped")  # nothing left to do
    assert_same(state(tmp_path / "through"), state(tmp_path / "stopped"))
    lines = (tmp_path / "stopped" / "log.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["step", "1", "2", "3", "4"]
    sheets = sorted((tmp_path / "through" / "sheets").iterdir())
    assert [sheet.name for sheet in sheets] == ["step-000002.png", "step-000004.png"]
    assert list((tmp_path / "through" / "tensorboard").iterdir())
    with safe_open(tmp_path / "through" / "weights.safetensors", "pt") as file:
        assert file.metadata()["network"] == "rtmdet-ins"
        assert file.metadata()["trained_steps"] == "4"
        assert not any("reg_convs" in name for name in file.keys())  # noqa: SIM118


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
@pytest.mark.parametrize("number", ["SIGKILL", "SIGINT"])
def test_a_killed_run_ends_as_one_that_was_not(number: str, art: Path, tmp_path: Path) -> None:
    def command(out: Path) -> list[str]:
        return [
            sys.executable, "-m", "apps.cli", "train", "detector", "--art", str(art),
            "-o", str(out), "--steps", "12", "--batch", "2", "--sides", "64", "--size", "nano",
            "--workers", "1", "--precision", "no", "--save-steps", "3", "--log-steps", "1",
            "--sheet-steps", "99",
        ]  # fmt: skip

    out = tmp_path / "killed"
    child = subprocess.Popen(command(out), stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (out / "previous.pt").exists() and time.monotonic() < deadline:
        assert child.poll() is None, child.communicate()
        time.sleep(0.01)
    child.send_signal(getattr(signal, number))
    said = child.communicate()[1]
    assert child.returncode == (-signal.SIGKILL if number == "SIGKILL" else 130)
    assert ("the same command goes on" in said) == (number == "SIGINT")
    assert "Traceback" not in said
    assert 3 <= state(out)["step"] < 12
    for folder in (out, tmp_path / "through"):
        subprocess.run(command(folder), check=True, capture_output=True)
    assert_same(state(tmp_path / "through"), state(out))


def test_epochs_are_counted_in_pictures(art: Path, tmp_path: Path) -> None:
    detector(art, tmp_path, steps=0, epochs=3, epoch_size=4)
    assert state(tmp_path)["step"] == 6


def test_recipe_and_layout_decide_what_is_composed(art: Path, tmp_path: Path) -> None:
    boxes = np.array([[0.1, 0.2, 0.3, 0.7], [0.5, 0.2, 0.3, 0.7], [0.9, 0.1, 0.3, 0.8]])
    layout = tmp_path / "people.json"
    PersonPhotos([(boxes, (1.25, 0.8))]).save(layout)

    def pictures(**more: Any) -> np.ndarray:
        scenes = open_scenes(Material(art=art, **more), 3, 96, square=True)
        return np.stack([scenes(number, 96).picture for number in range(4)])

    plain = pictures()
    assert np.array_equal(plain, pictures(recipe="embedded"))
    assert not np.array_equal(plain, pictures(recipe="paper"))
    assert not np.array_equal(pictures(recipe="paper"), pictures(recipe="paper", layout=layout))


@pytest.mark.parametrize(
    ("more", "message"),
    [({"recipe": "soup"}, "recipe must be one of paper, embedded"),
     ({"layout": Path("none.json")}, "layout must be a file")],
)  # fmt: skip
def test_senseless_material_is_refused(more: dict[str, Any], message: str, art: Path) -> None:
    with pytest.raises(InvalidInput, match=message):
        Material(art=art, **more)


def test_another_network_is_not_gone_on_with(art: Path, tmp_path: Path) -> None:
    detector(art, tmp_path)
    stage = DetectorOptions(size="tiny", sides="64")
    with pytest.raises(InvalidInput, match="another network"):
        train_detector(Material(art=art), options(), stage, tmp_path)
    (tmp_path / "last.pt").write_bytes(b"no state")
    with pytest.raises(InvalidInput, match="damaged"):
        detector(art, tmp_path)


def test_refiner_trains_with_its_encoder(art: Path, tmp_path: Path) -> None:
    refiner(art, tmp_path, steps=2)
    load_start(ISNet(4, width=0.1), tmp_path / "weights.safetensors")
    assert (tmp_path / "encoder" / "weights.safetensors").is_file()
    settings = load_refiner(tmp_path / "weights.safetensors", torch.device("cpu")).settings
    assert (settings.box_hint, settings.soft_rough, settings.size) == (0.1, True, 64)
    with pytest.raises(InvalidInput, match="is no start for"):
        load_start(RTMDetIns("nano"), tmp_path / "weights.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize("stage", [{}, {"ppa": False}, {"soft_rough": False}, {"whole": 1.0}],
                         ids=lambda stage: next(iter(stage), "plain"))  # fmt: skip
def test_refiner_goes_on_without_an_encoder(
    art: Path, tmp_path: Path, stage: dict[str, Any]
) -> None:
    refiner(art, tmp_path, {"feature_weight": 0.0, **stage}, steps=1, sheet_steps=1)
    assert (tmp_path / "weights.safetensors").is_file()
    assert (tmp_path / "sheets" / "step-000001.png").is_file()
    assert not (tmp_path / "encoder").exists()


def test_refiner_learns_from_a_detector(art: Path, tmp_path: Path) -> None:
    detector(art, tmp_path / "detector", steps=1)
    stage = {"detector": tmp_path / "detector" / "weights.safetensors", "feature_weight": 0.0}
    refiner(art, tmp_path / "refiner", stage, steps=1)
    assert (tmp_path / "refiner" / "weights.safetensors").is_file()


def test_fp16_weights_round_trip(tmp_path: Path) -> None:
    net, other = RTMDetIns("nano"), RTMDetIns("nano")
    save_weights(net, tmp_path / "w.safetensors", {"network": "rtmdet-ins"})
    load_start(other, tmp_path / "w.safetensors")
    for a, b in zip(net.parameters(), other.parameters(), strict=True):
        assert torch.equal(a.half().float(), b)


def test_a_detector_of_eighty_classes_is_a_start(tmp_path: Path) -> None:
    net = RTMDetIns("nano")
    weights = net.state_dict()
    for name in [n for n in weights if n.startswith("bbox_head.rtm_cls.")]:
        shape = weights[name].shape
        weights[name] = torch.randn(80, *shape[1:])
    torch.save({"state_dict": weights}, tmp_path / "coco.pth")
    other = RTMDetIns("nano")
    load_start(other, tmp_path / "coco.pth")
    for name, tensor in other.state_dict().items():
        if not name.startswith("bbox_head.rtm_cls."):
            assert torch.equal(tensor, weights[name]), name


def test_corrupt_pictures_are_named_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    art = write_art(tmp_path / "art")
    whole = (art / "foregrounds" / "dolls" / "0.png").read_bytes()
    (art / "foregrounds" / "dolls" / "0.png").write_bytes(whole[: len(whole) // 2])
    (art / "backgrounds" / "stripes" / "1.png").write_bytes(b"no picture")
    detector(art, tmp_path / "run", steps=12, sheet_steps=99)
    said = [record.message for record in caplog.records if "left out" in record.message]
    assert len(said) == len(set(said)) == 2
    for file in (art / "backgrounds").rglob("*.png"):
        file.write_bytes(b"no picture")
    with pytest.raises(InvalidInput, match="none of the 3 pictures"):
        detector(art, tmp_path / "other")


@pytest.mark.slow
def test_a_small_network_learns_eight_pictures_by_heart(tmp_path: Path) -> None:
    from cartoonedit.export import rle
    from segmentation.dataset.engines import run_local
    from segmentation.dataset.recipe import Recipe
    from segmentation.dataset.shards import Job
    from segmentation.dataset.stored import Stored
    from segmentation.dataset.synthesise import synthesise
    from segmentation.detect import detect
    from segmentation.evaluate import evaluate
    from segmentation.models import load_detector

    art = write_art(tmp_path / "art")
    job = Job(
        art / "foregrounds", art / "backgrounds", None, tmp_path / "data", 8, size_wh=(128, 128),
        recipe=Recipe(mean_subjects=1.0, quantise=0.0, match_histogram=0.0, placing="regular"),
    )  # fmt: skip
    synthesise(job, run_local)
    stage = DetectorOptions(size="nano", sides="128")
    train_detector(
        Material(data=job.out, augment=False),
        options(steps=450, batch=8, lr=2e-3, warmup=20, ema=0.9, log_steps=50,
                sheet_steps=9999, weight_decay=0.0, seed=1),
        stage, tmp_path / "run",
    )  # fmt: skip
    net = load_detector(tmp_path / "run" / "weights.safetensors", torch.device("cpu")).net
    stored = Stored(job.out)
    results = []
    for number in range(8):
        found = detect(net, stored[number].picture, size=128, score_threshold=0.05)
        for box, score, mask in zip(
            found.boxes_xyxy.tolist(), found.scores.tolist(), found.probabilities, strict=True
        ):
            bbox = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
            results.append({"image_id": number, "category_id": 1, "score": score, "bbox": bbox,
                            "segmentation": rle(mask)})  # fmt: skip
    assert evaluate(results, stored.truth(range(8)), ["segm"])["segm"]["AP"] > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["detector", "refiner"])
def test_every_epoch_is_measured(stage: str, art: Path, tmp_path: Path) -> None:
    from segmentation.dataset.engines import run_local
    from segmentation.dataset.shards import Job
    from segmentation.dataset.synthesise import synthesise

    job = Job(
        art / "foregrounds", art / "backgrounds", None, tmp_path / "data", 4, size_wh=(96, 96)
    )
    synthesise(job, run_local)
    material = Material(data=job.out, val=job.out, val_pictures=3)
    how = options(steps=4, epoch_size=4)
    if stage == "detector":
        train_detector(material, how, DetectorOptions(size="nano", sides="64"), tmp_path / "run")
    else:
        chosen = RefinerOptions(width=0.1, sides="64", canvas=96, feature_weight=0.0)
        train_refiner(material, how, chosen, tmp_path / "run")
    header, *rows = (tmp_path / "run" / "validation.csv").read_text().splitlines()
    assert "mask_AP" in header.split(",")
    assert [row.split(",")[0] for row in rows] == ["2", "4"]
    assert all(0 <= float(value) <= 1 for row in rows for value in row.split(",")[1:])
