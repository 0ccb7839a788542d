from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from cartoonedit.errors import CartooneditError, InvalidInput
from cartoonedit.inpaint import LamaInpainter, inpaint
from cartoonedit.inpaint import lama as module
from cartoonedit.inpaint.lama_network import LamaGenerator
from tests.cartoonedit.inpaint.pictures import disc, noise, stripes
from tests.cartoonedit.inpaint.test_lama_network import TINY, ready

State = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def state() -> State:
    return ready(LamaGenerator(TINY)).state_dict()


@pytest.fixture(autouse=True)
def forgotten() -> None:
    module._load.cache_clear()


@pytest.fixture
def fill(state: State, tmp_path: Path) -> LamaInpainter:
    torch.save({"gen_state_dict": state}, tmp_path / "lama.ckpt")
    return LamaInpainter(weights=tmp_path / "lama.ckpt", device="cpu", max_side=64)


@pytest.mark.parametrize("size", [(72, 96), (1, 3), (3, 40), (33, 21), (150, 260)])
def test_any_size_and_not_a_bit_outside(fill: LamaInpainter, size: tuple[int, int]) -> None:
    picture, mask = noise(*size), np.zeros(size, np.uint8)
    mask[: size[0] // 2 + 1, 1 : size[1] // 2 + 1] = 255
    result = inpaint(picture, mask, fill)
    assert result.shape == picture.shape and result.dtype == np.uint8
    np.testing.assert_array_equal(result[mask == 0], picture[mask == 0])
    assert (result[mask > 0] != picture[mask > 0]).any()


def test_what_was_in_the_hole_is_not_seen(fill: LamaInpainter) -> None:
    picture, mask = stripes(150, 200), disc(150, 200, 30)  # reduced first
    other = picture.copy()
    other[mask > 0] = (255, 0, 0)
    seen: list[np.ndarray] = []
    run = module._run

    def spy(network: Any, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        seen.append(np.where(hole[..., None], 0, image))
        return run(network, image, hole)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_run", spy)
        inpaint(picture, mask, fill)
        inpaint(other, mask, fill)
    np.testing.assert_array_equal(*seen)
    assert max(seen[0].shape[:2]) <= 64


def test_the_loaded_network_is_the_saved_one(fill: LamaInpainter, state: State) -> None:
    network = module._load(str(fill.weights), "cpu")
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, state[name], rtol=0, atol=0)
    assert not network.training and module._load(str(fill.weights), "cpu") is network


Wrap = Callable[[State], Any]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"gen_state_dict": state, "step": 3},
        lambda state: {"state_dict": {f"generator.{k}": v for k, v in state.items()}},
    ],
    ids=["bare", "anime-manga", "big-lama"],
)
def test_the_known_wrappings(state: State, tmp_path: Path, wrap: Wrap) -> None:
    torch.save(wrap(state), tmp_path / "lama.pt")
    assert module._generator_weights(tmp_path / "lama.pt").keys() == state.keys()


def test_safetensors(state: State, tmp_path: Path) -> None:
    save_file(state, tmp_path / "lama.safetensors")
    network = module._load(str(tmp_path / "lama.safetensors"), "cpu")
    assert network.state_dict().keys() == state.keys()


class Harm:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("code of a pickle was run",))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ({"gen_state_dict": {}, "callbacks": Harm()}, "could run code"),
        ([1, 2], "but a list"),
        ({"gen_state_dict": {"weight": torch.zeros(1)}}, "does not hold the weights"),
        (b"not a checkpoint", "cannot be read"),
    ],
    ids=["pickle", "list", "another network", "damaged"],
)
def test_files_that_are_refused(
    tmp_path: Path, content: Any, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lama.ckpt"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        torch.save(content, file)
    with pytest.raises(InvalidInput, match=word):
        inpaint(stripes(), disc(), LamaInpainter(weights=file, device="cpu"))
    assert "was run" not in capsys.readouterr().out


def test_a_part_of_the_weights_is_not_enough(state: State, tmp_path: Path) -> None:
    file = tmp_path / "part.pt"
    torch.save({k: v for k, v in state.items() if "bn_g" not in k}, file)
    with pytest.raises(InvalidInput, match=r"part\.pt does not hold"):
        inpaint(stripes(), disc(), LamaInpainter(weights=file, device="cpu"))


def test_lack_of_memory(fill: LamaInpainter, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(LamaGenerator, "forward", fail)
    with pytest.raises(CartooneditError, match="max_side"):
        inpaint(stripes(), disc(), fill)


def test_wrong_options() -> None:
    with pytest.raises(InvalidInput, match="16 or more"):
        LamaInpainter(max_side=4)
