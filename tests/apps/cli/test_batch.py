from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from apps.cli.batch import describe
from cartoonedit.errors import InvalidInput


def no_home() -> Exception:
    with pytest.raises(RuntimeError) as caught:
        Path("~nobody-of-this-name/a.png").expanduser()
    return caught.value


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (InvalidInput("it is no picture."), "it is no picture."),
        (OSError(errno.ENOSPC, "No space left on device", "a.png"), "No space left on device: a"),
        (no_home(), "a path begins with ~"),
        (KeyError("x"), "an error that cartoonedit did not expect: KeyError: 'x'"),
    ],
)
def test_describe(error: Exception, said: str) -> None:
    assert describe(error).startswith(said)


@pytest.mark.parametrize(
    "words", [["--model", "~nobody-of-this-name/a"], ["--lora", "~nobody-of-this-name/a"]]
)
def test_a_path_of_nobody(cli: Any, tiny_scene: Any, tmp_path: Path, words: list[str]) -> None:
    tiny_scene.save(tmp_path / "parts")
    run = cli("style", tmp_path / "parts", "-o", tmp_path / "a.png", "--prompt", "x", *words)
    assert run.code == 1
    assert "a path begins with ~" in run.err
