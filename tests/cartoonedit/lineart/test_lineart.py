from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cartoonedit.errors import CartooneditError, InvalidInput, ModelNotFound
from cartoonedit.lineart import METHODS, LineNetwork, draw_lines, networks

PICTURE = cv2.resize(np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8), (70, 45))


def drawing(width: int, height: int) -> Any:
    """A dark circle and a dark cross, drawn on two colours."""
    picture = np.full((height, width, 3), (250, 220, 200), np.uint8)
    picture[:, width // 2 :] = (120, 190, 240)
    thick = max(1, round(height / 128))
    centre, radius = (width // 2, height // 2), height // 3
    cv2.circle(picture, centre, radius, (40, 20, 30), thick, cv2.LINE_AA)
    cv2.line(picture, (0, 0), (width - 1, height - 1), (10, 10, 60), thick, cv2.LINE_AA)
    return picture


# ---------------------------------------------------------------- without a network


@pytest.mark.parametrize("size", [(512, 512), (768, 512), (512, 1024)])
def test_standard_is_that_of_controlnet_where_that_does_not_resize(size: tuple[int, int]) -> None:
    from controlnet_aux import LineartStandardDetector

    picture = drawing(*size)
    theirs = LineartStandardDetector()(picture, output_type="np")[..., 0]
    np.testing.assert_array_equal(draw_lines(picture), theirs)


@pytest.mark.parametrize("factor", [0.5, 2, 3])
def test_standard_draws_the_same_at_any_size(factor: float) -> None:
    usual = draw_lines(drawing(512, 512)).astype(np.float64)
    side = round(512 * factor)
    other = cv2.resize(draw_lines(drawing(side, side)), (512, 512), interpolation=cv2.INTER_AREA)
    assert np.corrcoef(usual.ravel(), other.ravel())[0, 1] > 0.85
    assert other.max() > 200 and np.median(other) == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 2), (64, 64), (1300, 1300)])
def test_standard_draws_nothing_on_a_flat_picture(shape: tuple[int, int]) -> None:
    with np.errstate(all="raise"):
        lines = draw_lines(np.full((*shape, 3), 93, np.uint8))
    assert lines.shape == shape and not lines.any()


def test_faint_shading_is_not_blown_up() -> None:
    shaded = np.full((512, 512, 3), 200, np.uint8)
    shaded[200:210] -= 4
    assert draw_lines(shaded).max() <= 32


# ---------------------------------------------------------------- with one


@pytest.fixture(scope="module")
def random_networks() -> dict[str, Any]:
    """Every design with random weights."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = {
            name: design.build().eval()
            for name, design in networks.NETWORKS.items()
            if name != "coarse"
        }
        last = made["anime-denoise"].conv15.model[2]
        torch.nn.init.constant_(last.bias, 128 + last.bias.item())  # grey, neither all ink nor none
    return made


def by_realistic(network: Any, picture: Any) -> Any:
    from controlnet_aux import LineartDetector

    detect = LineartDetector(network, network)
    return detect(picture, detect_resolution=256, image_resolution=256, output_type="np")[..., 0]


def by_anime(network: Any, picture: Any) -> Any:
    from controlnet_aux import LineartAnimeDetector

    detect = LineartAnimeDetector(network)
    return detect(picture, detect_resolution=256, image_resolution=256, output_type="np")[..., 0]


def by_manga(network: Any, picture: Any) -> Any:
    """As its authors run it: luminance 0..255, dark lines on white."""
    import torch

    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    with torch.inference_mode():
        drawn = network(torch.from_numpy(grey)[None, None].float())[0, 0].numpy()
    return 255 - drawn.clip(0, 255)


@pytest.mark.parametrize(
    ("method", "reference"),
    [("realistic", by_realistic), ("anime", by_anime), ("anime-denoise", by_manga)],
)
@pytest.mark.slow
def test_each_network_is_fed_as_it_was_trained(
    random_networks: dict[str, Any], method: str, reference: Any
) -> None:
    network, picture = random_networks[method], cv2.resize(PICTURE, (256, 256))
    lines = networks._draw(network, networks.NETWORKS[method], picture)
    expected = reference(network, picture).astype(np.float64)
    assert np.ptp(lines) > 10, "the comparison must compare something"
    assert np.abs(lines - expected).max() <= 1


@pytest.mark.parametrize("shape", [(45, 70), (1, 1), (3, 90)])
@pytest.mark.parametrize("method", ["realistic", "anime-denoise"])
def test_lines_have_the_size_of_the_picture(
    random_networks: dict[str, Any], method: str, shape: tuple[int, int]
) -> None:
    picture = cv2.resize(PICTURE, shape[::-1])
    lines = networks._draw(random_networks[method], networks.NETWORKS[method], picture)
    assert lines.shape == shape and lines.dtype == np.uint8


@pytest.mark.parametrize(
    ("size", "multiple", "expected"),
    [
        ((512, 768), 256, (512, 768)),
        ((500, 700), 256, (512, 768)),
        ((500, 701), 4, (500, 704)),
        ((1, 1), 4, (16, 16)),
        ((6000, 3000), 256, (1536, 768)),
        ((6000, 10), 16, (1536, 16)),
    ],
)
def test_what_a_network_sees(
    size: tuple[int, int], multiple: int, expected: tuple[int, int]
) -> None:
    assert networks._working_size(size, multiple) == expected


def test_weights_are_read_from_a_file(random_networks: dict[str, Any], tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    network = random_networks["realistic"]
    state = network.state_dict()
    torch.save({f"module.{name}": value for name, value in state.items()}, tmp_path / "w.pth")
    save_file(state, tmp_path / "w.safetensors")
    expected = networks._draw(network, networks.NETWORKS["realistic"], PICTURE)
    for file in (tmp_path / "w.pth", tmp_path / "w.safetensors"):
        lines = draw_lines(PICTURE, LineNetwork("realistic", file), device="cpu")
        np.testing.assert_array_equal(lines, expected)


def test_weights_of_another_network(random_networks: dict[str, Any], tmp_path: Path) -> None:
    import torch

    torch.save(random_networks["realistic"].state_dict(), tmp_path / "w.pth")
    with pytest.raises(InvalidInput, match=r"not of this network: \d+ tensors are missing"):
        draw_lines(PICTURE, LineNetwork("anime-denoise", tmp_path / "w.pth"), device="cpu")


@pytest.mark.usefixtures("full_device")
def test_lack_of_memory(random_networks: dict[str, Any], tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file(random_networks["realistic"].state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(CartooneditError, match="ran out of memory"):
        draw_lines(PICTURE, LineNetwork("realistic", tmp_path / "w.safetensors"), device="cpu")


def test_the_manga_network_has_the_names_of_its_published_weights(
    random_networks: dict[str, Any],
) -> None:
    network = random_networks["anime-denoise"]
    names = network.state_dict().keys()
    for name in (
        "block0.model.1.residual.model.2.weight",
        "block4.model.11.shortcut.model.0.weight",
        "block5.model.0.shortcut.model.0.weight",
        "block9.model.0.shortcut.model.0.bias",
        "conv15.model.2.weight",
    ):
        assert name in names
    assert "block4.model.10.shortcut.model.0.weight" not in names
    assert sum(p.numel() for p in network.parameters()) == 43_100_147


# ---------------------------------------------------------------- wrong input


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("method", [name for name in METHODS if name != "standard"])
def test_missing_weights(method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelNotFound, match="cartoonedit models fetch lineart"):
        draw_lines(PICTURE, method)


@pytest.mark.parametrize(
    ("picture", "method", "message"),
    [
        (PICTURE, "crayon", "standard, realistic, coarse, anime, anime-denoise"),
        (PICTURE[..., 0], "standard", r"RGB uint8 \(H, W, 3\); got uint8 \(45, 70\)"),
        (PICTURE / 255, "standard", "got float64"),
        (PICTURE[:0], "standard", r"got uint8 \(0, 70, 3\)"),
        (PICTURE, lambda picture, device: picture, r"must give uint8 \(H, W\) = \(45, 70\)"),
    ],
    ids=["method", "grey", "float", "empty", "callable"],
)
def test_wrong_input(picture: Any, method: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        draw_lines(picture, method)


def test_an_unknown_network() -> None:
    with pytest.raises(InvalidInput, match="realistic, coarse, anime, anime-denoise"):
        LineNetwork("standard")
