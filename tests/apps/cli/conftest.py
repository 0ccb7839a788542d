"""Fixtures of the command line's tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from apps.cli import main


class Run(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Cli = Callable[..., Run]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command in this process."""

    def run(*words: object) -> Run:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(word) for word in words])
        assert isinstance(stop.value.code, int)
        return Run(stop.value.code, *capsys.readouterr())

    return run


class TwoDiscs:
    """In place of the segmenter: finds two discs in every picture of at least 20 pixels."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.seen: list[str] = []

    def __call__(self, picture: Any, progress: Any = None) -> Any:
        from cartoonedit.scene import Instance, Scene

        scene = Scene.open(picture)
        self.seen.append(Path(picture).name if isinstance(picture, Path) else "drawn")
        width, height = scene.size_wh
        if min(width, height) < 20:
            return scene
        rows, columns = np.mgrid[:height, :width]
        masks = [
            np.hypot(columns - x * width, rows - height / 2) < height / 5 for x in (0.25, 0.75)
        ]
        return scene.with_instances([Instance(mask, score=0.9) for mask in masks])

    def batch(self, pictures: Any, progress: Any = None) -> Any:
        return map(self, pictures)


@pytest.fixture
def two_discs(monkeypatch: pytest.MonkeyPatch) -> list[TwoDiscs]:
    """Lets the commands use `TwoDiscs`, and lists those that they made."""
    made: list[TwoDiscs] = []

    def maker(values: dict[str, Any]) -> Callable[[], TwoDiscs]:
        def make() -> TwoDiscs:
            made.append(TwoDiscs(**values))
            return made[-1]

        return make

    monkeypatch.setattr("apps.cli.options.segmenter_maker", maker)
    monkeypatch.setattr("apps.cli.options.model_files", lambda values: {})
    return made


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A small picture file."""
    from PIL import Image

    path = tmp_path / "picture.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)).save(path)
    return path
