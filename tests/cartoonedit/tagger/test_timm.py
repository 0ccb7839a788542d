"""Taggers in timm's form: tiny networks with random weights, in the files of the published ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from huggingface_hub import constants
from PIL import Image
from safetensors.torch import load_file, save_file
from torch.overrides import TorchFunctionMode

from cartoonedit.errors import CartooneditError, InvalidInput, ModelNotFound
from cartoonedit.tagger import Tagger, wd14
from tests.cartoonedit.tagger.test_wd14 import NAMES, write_tagger

pytestmark = pytest.mark.usefixtures("no_network")

SIDE = 32
NETWORKS: dict[str, dict[str, Any]] = {
    "swinv2_tiny_window8_256": {
        "img_size": SIDE, "window_size": 4, "embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2],
    },
    "vit_tiny_patch16_224": {"img_size": SIDE, "embed_dim": 8, "depth": 1, "num_heads": 1},
}  # fmt: skip


@pytest.fixture(scope="session", params=NETWORKS)
def published(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three files of a tagger; its scores are spread over 0..1."""
    folder = tmp_path_factory.mktemp("timm")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = timm.create_model(request.param, num_classes=8, **NETWORKS[request.param])
        for weight in network.parameters():
            torch.nn.init.normal_(weight, std=0.5)
    save_file(network.state_dict(), folder / "model.safetensors")
    config = {
        "architecture": request.param,
        "num_classes": 8,
        "num_features": 16,
        "global_pool": "avg",
        "model_args": NETWORKS[request.param],
        "pretrained_cfg": {
            "input_size": [3, SIDE, SIDE],
            "interpolation": "bicubic",
            "crop_pct": 1.0,
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
            "num_classes": 8,
        },
    }
    (folder / "config.json").write_text(json.dumps(config))
    rows = [f"{index},{name},{category},1" for index, (name, category) in enumerate(NAMES)]
    (folder / "selected_tags.csv").write_text("\n".join(["tag_id,name,category,count", *rows]))
    return folder


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copytree(published, tmp_path / "tagger"))


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    wd14._loaded.cache_clear()
    yield
    wd14._loaded.cache_clear()


def picture(height: int = 40, width: int = 24) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def all_scores(folder: Path, image: np.ndarray) -> np.ndarray:
    network, _ = wd14._loaded(str(folder / "model.safetensors"), str(folder / "selected_tags.csv"),
                              "cpu")  # fmt: skip
    return network(image)


def by_hand(folder: Path, image: np.ndarray) -> np.ndarray:
    """What the network says of a picture that is prepared step by step."""
    config = json.loads((folder / "config.json").read_text())
    network = timm.create_model(config["architecture"], num_classes=8, **config["model_args"])
    network.load_state_dict(load_file(folder / "model.safetensors"))
    side = max(image.shape[:2])
    square = np.full((side, side, 3), 255, np.uint8)
    top, left = (side - image.shape[0]) // 2, (side - image.shape[1]) // 2
    square[top : top + image.shape[0], left : left + image.shape[1]] = image
    shown = Image.fromarray(square).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    values = np.asarray(shown, np.float32)[..., ::-1] / 127.5 - 1  # blue first, -1..1
    with torch.inference_mode():
        logits = network.eval()(torch.from_numpy(values.transpose(2, 0, 1).copy())[None])[0]
    return 1 / (1 + np.exp(-logits.double().numpy()))


@pytest.mark.parametrize("size", [(SIDE, SIDE), (40, 24), (9, 70), (1, 3)])
def test_the_input_form(published: Path, size: tuple[int, int]) -> None:
    image = picture(*size)
    scores = all_scores(published, image)
    np.testing.assert_allclose(scores, by_hand(published, image), atol=1e-5)
    assert np.ptp(scores) > 0.1
    # The order of the colours counts.
    assert np.abs(scores - all_scores(published, image[..., ::-1])).max() > 1e-3


class NoDoubles(TorchFunctionMode):
    """A device without double precision, as Apple's: only what was brought to the CPU has it."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[torch.Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.Tensor.double and not any(args[0] is one for one in self.fetched):
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype")
        result = func(*args, **(kwargs or {}))
        if func is torch.Tensor.cpu:
            self.fetched.append(result)
        return result


def test_a_device_without_double_precision(published: Path) -> None:
    with NoDoubles() as device:
        scores = all_scores(published, picture())
    assert device.fetched
    np.testing.assert_allclose(scores, by_hand(published, picture()), atol=1e-5)


@pytest.mark.usefixtures("full_device")
def test_lack_of_memory_for_the_network(published: Path) -> None:
    with pytest.raises(CartooneditError, match="ran out of memory"):
        Tagger(published, device="cpu")(picture())


def test_lack_of_memory_at_work(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    network, _ = wd14._loaded(
        str(published / "model.safetensors"), str(published / "selected_tags.csv"), "cpu"
    )
    monkeypatch.setattr(network._network, "forward", fail)
    with pytest.raises(CartooneditError, match="ran out of memory"):
        Tagger(published, device="cpu")(picture())


def test_tags(published: Path) -> None:
    image = picture()
    scores = dict(zip((name for name, _ in NAMES), by_hand(published, image), strict=True))
    tags = Tagger(published, general=0.0, character=1.0, device="cpu")(image)
    likeliest = max(("safe", "risky"), key=lambda name: scores[name])
    assert {tag.name for tag in tags} == {likeliest, "blue_theme", "green_theme", "red_theme"}
    for tag in tags:
        assert tag.score == pytest.approx(scores[tag.name], abs=1e-5)


def test_the_path_of_the_weights(published: Path) -> None:
    image = picture()
    by_path = Tagger(published / "model.safetensors", device="cpu")(image)
    assert by_path == Tagger(published, device="cpu")(image)


def test_a_graph_beside_it_is_preferred(folder: Path) -> None:
    write_tagger(folder)
    tags = Tagger(folder)(np.full((8, 8, 3), (0, 0, 255), np.uint8))
    assert [tag.name for tag in tags if tag.score > 0.99] == ["blue_theme", "blue"]


@pytest.mark.parametrize("form", ["timm", "onnx"])
def test_a_repository_in_the_cache(
    published: Path, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelNotFound, match="hf download some/tagger"):
        Tagger("some/tagger")(picture())
    top = tmp_path / "models--some--tagger"
    (top / "refs").mkdir(parents=True)
    (top / "refs" / "main").write_text("abc")
    if form == "timm":
        shutil.copytree(published, top / "snapshots" / "abc")
    else:
        write_tagger(top / "snapshots" / "abc")
    assert Tagger("some/tagger", general=0.0, device="cpu")(picture())


def test_tables_that_other_versions_store_are_not_needed(folder: Path) -> None:
    before = all_scores(folder, picture())
    weights = load_file(folder / "model.safetensors")
    weights["layers.0.blocks.0.attn.relative_position_index"] = torch.zeros(4, dtype=torch.int64)
    save_file(weights, folder / "model.safetensors")
    wd14._loaded.cache_clear()
    np.testing.assert_array_equal(all_scores(folder, picture()), before)


def edit(**values: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        file = folder / "config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | values))

    return change


def write(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text) and None


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def lose_a_tensor(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights[sorted(weights)[0]]
    save_file(weights, folder / "model.safetensors")


@pytest.mark.parametrize(
    ("damage", "error", "word"),
    [
        (remove("model.safetensors"), ModelNotFound, "lacks .*model.onnx"),
        (remove("config.json"), ModelNotFound, "config.json"),
        (remove("selected_tags.csv"), ModelNotFound, "lacks .*selected_tags.csv"),
        (write("model.safetensors", "no tensors"), InvalidInput, "do not make a network"),
        (write("config.json", "{"), InvalidInput, "not valid JSON"),
        (write("config.json", "[]"), InvalidInput, "'architecture'"),
        (write("config.json", "{}"), InvalidInput, "'architecture'"),
        (edit(num_classes="8"), InvalidInput, "'num_classes'"),
        (edit(model_args=[1]), InvalidInput, "'model_args'"),
        (edit(architecture="no_such_net"), InvalidInput, "'no_such_net'"),
        (edit(architecture="hf-hub:some/tagger"), InvalidInput, "'hf-hub:some/tagger'"),
        (edit(num_classes=9), InvalidInput, "do not make a network"),
        (edit(architecture="resnet10t", model_args={}), InvalidInput, "missing|do not make"),
        (edit(model_args={"img_size": 64}), InvalidInput, "missing|do not make"),
        (edit(model_args={"no_such_option": 1}), InvalidInput, "do not make"),
        (edit(pretrained_cfg={"no_such_field": 1}), InvalidInput, "do not make"),
        (lose_a_tensor, InvalidInput, "1 tensors are missing"),
        (write("selected_tags.csv", "tag_id,name,category,count\n1,a,0,1\n"), InvalidInput,
         "do not belong together"),
    ],
)  # fmt: skip
def test_a_tagger_that_is_not_whole(
    folder: Path, damage: Callable[[Path], None], error: type[Exception], word: str
) -> None:
    damage(folder)
    with pytest.raises(error, match=word):
        Tagger(folder, device="cpu")(picture())


def test_options_of_a_stranger_open_no_other_files(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    pickle = folder / "evil.pth"
    edit(model_args=config["model_args"] | {"pretrained": True, "checkpoint_path": str(pickle)})(
        folder
    )
    assert len(all_scores(folder, picture())) == 8  # neither looked for nor downloaded
