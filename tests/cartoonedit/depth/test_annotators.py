from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cartoonedit import hub
from cartoonedit.depth import annotators, estimate_depth
from cartoonedit.errors import InvalidInput

PICTURE = cv2.resize(np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8), (70, 45))
REPO = "lllyasviel/Annotators"
Put = Callable[[str, str, Path], Path]


def save(folder: Path, name: str, state: Any) -> Path:
    import torch

    path = folder / name
    torch.save(state, path)
    return path


def stand_in(kind: str) -> Any:
    """A network of one weight that is as far, or as near, as the picture is red."""
    import torch

    class StandIn(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = torch.nn.Parameter(torch.zeros(1))

        def forward(self, picture: Any) -> Any:
            return self.scale * (picture[:, :1] + 3)

        def infer(self, picture: Any) -> Any:
            return self(picture)

        @property
        def depth_model(self) -> Any:
            return self

    return StandIn()


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(("name", "far"), [("leres", True), ("zoe", True), ("midas", False)])
@pytest.mark.parametrize("wrapper", [None, "model", "depth_model"])
def test_each_by_its_own_convention(
    put: Put,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    far: bool,
    wrapper: str | None,
) -> None:
    """A stand-in for the networks; the real ones are loaded below."""
    import torch

    monkeypatch.setattr(annotators, f"{name}_network", lambda: stand_in(name))
    state: Any = {"module.scale": torch.ones(1)}
    file = save(tmp_path, "w.pth", {wrapper: state, "epoch": 3} if wrapper else state)
    put(REPO, hub.CATALOGUE[name].files["weights"].file, file)
    ramp = np.zeros((60, 90, 3), np.uint8)
    ramp[..., 0] = np.linspace(0, 255, 90)
    depth = estimate_depth(ramp, [], name, device="cpu")
    assert depth.shape == (60, 90) and depth.dtype == np.float32
    along = np.diff(depth.mean(axis=0))
    assert ((along >= -1e-4) if far else (along <= 1e-4)).all()
    assert np.ptp(depth) == pytest.approx(1, abs=1e-3)
    assert np.abs(np.diff(np.sort(depth.ravel()))).max() < 0.1, "not quantised"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the real networks see small pictures, for speed."""
    monkeypatch.setattr(annotators, "_working_size", lambda *_: (96, 96))


@pytest.mark.slow
@pytest.mark.usefixtures("no_network", "small")
def test_leres_is_fed_as_it_was_trained(put: Put, tmp_path: Path) -> None:
    """The real network with random weights, run as its authors do: RGB, 0..1, ImageNet's mean."""
    import torch
    from torchvision.transforms.functional import normalize, to_tensor

    torch.manual_seed(0)
    network = annotators.leres_network().half().float().eval()
    state = {f"module.{key}": value.half() for key, value in network.state_dict().items()}
    put(REPO, "res101.pth", save(tmp_path, "w.pth", {"depth_model": state}))
    picture = cv2.resize(PICTURE, (96, 96))
    depth = estimate_depth(picture, [], "leres", device="cpu")
    inputs = normalize(to_tensor(picture), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    with torch.inference_mode():
        distance = network.depth_model(inputs[None])[0, 0].numpy()
    order = np.argsort(distance.ravel())
    assert (np.diff(depth.ravel()[order]) >= -1e-6).all()
    assert np.ptp(depth) == pytest.approx(1, abs=1e-3)


@pytest.mark.slow
@pytest.mark.usefixtures("no_network", "small")
def test_midas_loads_its_real_network(
    put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    network = annotators.midas_network()
    state = {
        key: torch.full_like(value, 0.01, dtype=torch.float16)
        for key, value in network.state_dict().items()
    }
    put(REPO, "dpt_hybrid-midas-501f0c75.pt", save(tmp_path, "w.pt", state))
    monkeypatch.setattr(annotators, "midas_network", lambda: network)
    depth = estimate_depth(PICTURE, [], "midas", device="cpu")
    assert depth.shape == (45, 70) and np.isfinite(depth).all()
    for parameter in network.parameters():
        assert parameter.detach().mean().item() == pytest.approx(0.01, abs=1e-4)


def test_zoe_is_the_network_of_its_weights() -> None:
    """Its names and size; a run takes half a minute on one core."""
    import torch

    with torch.device("meta"):
        network = annotators.zoe_network()
    names = network.state_dict().keys()
    assert "core.core.pretrained.model.blocks.23.attn.q_bias" in names
    assert "attractors.3._net.2.weight" in names
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(345e6, rel=0.01)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("name", ["leres", "zoe", "midas"])
def test_a_pickle_is_refused(
    put: Put, malicious: tuple[Path, Path], tmp_path: Path, name: str
) -> None:
    weights, trace = malicious
    put(REPO, hub.CATALOGUE[name].files["weights"].file, weights)
    with pytest.raises(InvalidInput, match="cannot be read as weights"):
        estimate_depth(PICTURE, [], name, device="cpu")
    assert not trace.exists()


def hostile(trace: Path) -> Any:
    class Hostile:
        def __reduce__(self) -> Any:
            return Path.touch, (trace,)

    return Hostile()


@pytest.mark.usefixtures("no_network")
def test_code_among_real_tensors_is_refused(put: Put, tmp_path: Path) -> None:
    import torch

    trace = tmp_path / "was-run"
    state = {"depth_model": {"a": torch.ones(1)}, "extra": hostile(trace)}
    put(REPO, "res101.pth", save(tmp_path, "w.pth", state))
    with pytest.raises(InvalidInput, match="could run code"):
        estimate_depth(PICTURE, [], "leres", device="cpu")
    assert not trace.exists()


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"other": 1.0}, "1 tensors are missing, such as 'scale'"),
        ({"scale": 2.0, "unused": 1.0}, None),
        ({"scale": [1.0, 2.0]}, "not of this network"),
        ([1.0], "no weights by name, but a list"),
    ],
)
def test_weights_of_another_network(
    put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: Any, message: str | None
) -> None:
    import torch

    def tensors(value: Any) -> Any:
        return {k: torch.tensor(v).reshape(-1) for k, v in value.items()}

    monkeypatch.setattr(annotators, "midas_network", lambda: stand_in("midas"))
    file = save(tmp_path, "w.pt", tensors(state) if isinstance(state, dict) else state)
    put(REPO, "dpt_hybrid-midas-501f0c75.pt", file)
    if message is None:
        assert estimate_depth(PICTURE, [], "midas", device="cpu").shape == (45, 70)
    else:
        with pytest.raises(InvalidInput, match=message):
            estimate_depth(PICTURE, [], "midas", device="cpu")


@pytest.mark.parametrize("content", [b"", b"no weights"])
def test_a_damaged_file(put: Put, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w").write_bytes(content)
    put(REPO, "res101.pth", tmp_path / "w")
    with pytest.raises(InvalidInput, match="Fetch the file again"):
        estimate_depth(PICTURE, [], "leres", device="cpu")


@pytest.mark.parametrize("size", [(70, 45), (4000, 10), (10, 4000), (1, 1)])
def test_any_shape_is_brought_to_a_size_that_networks_take(size: tuple[int, int]) -> None:
    width, height = annotators._working_size(size, 448, 32)
    assert width % 32 == height % 32 == 0
    assert min(width, height) >= 32 and max(width, height) <= 3 * 448
