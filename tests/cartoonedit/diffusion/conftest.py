"""What the tests of pipelines share."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from cartoonedit.diffusion import forget_pipelines


@pytest.fixture
def forgotten() -> Iterator[None]:
    """No pipeline is kept from the test before, or for the one after."""
    forget_pipelines()
    yield
    forget_pipelines()


@pytest.fixture
def warned_of() -> Iterator[list[str]]:
    """What diffusers warns of."""
    messages: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    log, handler = logging.getLogger("diffusers"), Keep(logging.WARNING)
    log.addHandler(handler)
    yield messages
    log.removeHandler(handler)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hugging Face cache."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture
def put_in_cache(cache: Path) -> Callable[[str, Path], Path]:
    """Lays a copy of a folder into the cache as a repository: ``(repo, folder) -> snapshot``."""

    def put(repo: str, folder: Path) -> Path:
        top = cache / f"models--{repo.replace('/', '--')}"
        shutil.copytree(folder, top / "snapshots" / "abc")
        (top / "refs").mkdir()
        (top / "refs" / "main").write_text("abc")
        return top / "snapshots" / "abc"

    return put
