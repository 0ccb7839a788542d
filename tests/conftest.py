"""Fixtures that all tests share."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest

if TYPE_CHECKING:
    from cartoonedit.scene import Scene

ROOT = Path(__file__).resolve().parent.parent

# Refuses every connection that leaves the process, in a child as in a test.
REFUSE_NETWORK = """\
import socket


class NetworkRefused(OSError):
    pass


def refuse(*args, **kwargs):
    raise NetworkRefused(f"the network is refused in this test: {args!r}")


socket.getaddrinfo = socket.gethostbyname = socket.create_connection = refuse
_connect, _connect_ex = socket.socket.connect, socket.socket.connect_ex


def _local_only(connect):
    def guarded(self, address):
        if self.family != getattr(socket, "AF_UNIX", None):
            refuse(address)
        return connect(self, address)
    return guarded


socket.socket.connect, socket.socket.connect_ex = _local_only(_connect), _local_only(_connect_ex)
"""


def pytest_collection_finish() -> None:
    """Take the libraries out of the garbage collector's sight, which searches them for long."""
    gc.freeze()


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout that these tests belong to."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference fixtures and art beside the checkout; skips where there is none."""
    folder = ROOT.parent / "shared"
    if not (folder / "fixtures").is_dir():
        pytest.skip("the reference fixtures are not beside this checkout (../shared/fixtures)")
    return folder


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse all connections of this process but those over Unix sockets."""
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, getattr(socket, name))
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, getattr(socket.socket, name))
    exec(compile(REFUSE_NETWORK, "refuse_network", "exec"), {})


@pytest.fixture
def full_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network fits on any device."""
    import torch

    def fail(*args: Any, **kwargs: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch.nn.Module, "to", fail)


@pytest.fixture
def child_env() -> dict[str, str]:
    """An environment for a child process that imports the packages which are tested here.

    Run the child in another folder than the checkout, which would come first on its path.
    """
    import cartoonedit

    tested = Path(cartoonedit.__file__).parent.parent
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(tested), os.environ.get("PYTHONPATH")))),
        "NO_COLOR": "1",
    }


@pytest.fixture
def offline_env(
    child_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The same, and Python refuses the network, and nothing was ever downloaded."""
    folder = tmp_path_factory.mktemp("offline")
    (folder / "sitecustomize.py").write_text(REFUSE_NETWORK, encoding="utf-8")
    path = f"{folder}{os.pathsep}{child_env['PYTHONPATH']}"
    return child_env | {"PYTHONPATH": path, "HF_HOME": str(folder / "huggingface")}


@pytest.fixture
def tiny_scene() -> Scene:
    """A scene of 64 x 48 pixels: two discs that overlap, with soft edges and a given depth."""
    from cartoonedit.scene import Instance, Scene

    rows, columns = np.mgrid[:48, :64].astype(np.float32)

    def disc(x: float, y: float, radius: float) -> np.ndarray[Any, np.dtype[np.uint8]]:
        distance = np.hypot(columns - x, rows - y)
        return (np.clip(radius + 0.5 - distance, 0, 1) * 255).round().astype(np.uint8)

    left, right = disc(24, 26, 14), disc(40, 22, 12)
    picture = np.stack([columns * 3, rows * 4, 128 + columns], axis=-1).astype(np.uint8)
    picture[left > 127] = (220, 60, 40)
    picture[right > 127] = (40, 90, 220)
    # The right one stands in front: no pixel is owned in full by both.
    left = np.minimum(left, 255 - right)
    return Scene(
        picture,
        [Instance(left, score=0.9), Instance(right, score=0.8)],
        depth=(0.3 + 0.7 * rows / 47).astype(np.float32)[::-1],
        plate=np.stack([columns * 3, rows * 4, 128 + columns], axis=-1).astype(np.uint8),
    )


@pytest.fixture(scope="session")
def tiny_diffusion(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Gives the folder of a tiny pipeline of latent diffusion: ``(family, channels) -> folder``."""

    @cache
    def build(family: Literal["sd15", "sdxl"] = "sd15", channels: int = 9) -> Path:
        from tests.cartoonedit.tiny_diffusion import build_pipeline

        return build_pipeline(tmp_path_factory.mktemp(f"{family}-{channels}"), family, channels)

    return build


@pytest.fixture(scope="session")
def tiny_controlnet(
    tmp_path_factory: pytest.TempPathFactory, tiny_diffusion: Callable[..., Path]
) -> Callable[..., Path]:
    """Gives the folder of a tiny ControlNet: ``(family, union) -> folder``."""

    @cache
    def build(family: Literal["sd15", "sdxl"] = "sd15", union: bool = False) -> Path:
        from tests.cartoonedit.tiny_adapters import build_controlnet

        folder = tmp_path_factory.mktemp(f"controlnet-{family}")
        return build_controlnet(tiny_diffusion(family, 4), folder, union)

    return build


@pytest.fixture(scope="session")
def tiny_lora(
    tmp_path_factory: pytest.TempPathFactory, tiny_diffusion: Callable[..., Path]
) -> Callable[..., Path]:
    """Gives the file of a tiny LoRA: ``(family, form) -> file``."""

    @cache
    def build(
        family: Literal["sd15", "sdxl"] = "sd15", form: Literal["diffusers", "kohya"] = "diffusers"
    ) -> Path:
        from tests.cartoonedit.tiny_adapters import build_lora

        file = tmp_path_factory.mktemp(f"lora-{family}") / f"{form}.safetensors"
        return build_lora(tiny_diffusion(family, 4), file, form)

    return build


@pytest.fixture(scope="session")
def tiny_ip_adapter(
    tmp_path_factory: pytest.TempPathFactory, tiny_diffusion: Callable[..., Path]
) -> Callable[..., Path]:
    """Gives the file of a tiny IP-Adapter: ``(family, form) -> file``."""

    @cache
    def build(
        family: Literal["sd15", "sdxl"] = "sd15", form: Literal["plain", "plus"] = "plain"
    ) -> Path:
        from tests.cartoonedit.tiny_adapters import build_ip_adapter

        folder = tmp_path_factory.mktemp(f"ip-adapter-{family}-{form}")
        return build_ip_adapter(tiny_diffusion(family, 4), folder, form)

    return build


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny CLIP."""
    from tests.cartoonedit.tiny_clip import build_clip

    return build_clip(tmp_path_factory.mktemp("clip"))
