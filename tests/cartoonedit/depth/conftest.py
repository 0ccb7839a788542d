"""A hub cache that holds only what a test puts there."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hugging Face cache."""
    folder = tmp_path / "hub"
    folder.mkdir()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
def put(cache: Path) -> Callable[[str, str, Path], Path]:
    """Lays a file or folder into the cache as a repository, or a file of one."""

    def lay(repo: str, name: str, source: Path) -> Path:
        top = cache / f"models--{repo.replace('/', '--')}"
        (top / "refs").mkdir(parents=True, exist_ok=True)
        (top / "refs/main").write_text("abc")
        target = top / "snapshots/abc" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source)
        return target

    return lay


class _Touch:
    """Unpickling this makes a file: what a malicious pickle could do, and worse."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.fixture
def malicious(tmp_path: Path) -> tuple[Path, Path]:
    """A pickle that runs code, and the file that then appears."""
    trace, weights = tmp_path / "was-run", tmp_path / "weights.pth"
    weights.write_bytes(pickle.dumps({"model": _Touch(trace)}))
    pickle.loads(weights.read_bytes())
    assert trace.exists(), "the pickle must really do something"
    trace.unlink()
    return weights, trace
