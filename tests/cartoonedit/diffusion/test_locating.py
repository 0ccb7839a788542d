"""Which of several fetched revisions is meant."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cartoonedit.diffusion.locating import locate_file
from cartoonedit.errors import InvalidInput, ModelNotFound

FILE = "ink.safetensors"


@pytest.fixture
def top(cache: Path) -> Path:
    """A repository of which three revisions were fetched, b2 last and c3 first."""
    folder = cache / "models--some--lora"
    for age, revision in enumerate(("b2", "a1", "c3")):
        snapshot = folder / "snapshots" / revision
        snapshot.mkdir(parents=True)
        (snapshot / FILE).write_text(revision)
        os.utime(snapshot, (10**9 - age, 10**9 - age))
    (folder / "snapshots" / "a1" / "old.safetensors").write_text("a1")
    os.utime(folder / "snapshots" / "a1", (10**9 - 1, 10**9 - 1))
    return folder


@pytest.mark.parametrize("name", ["some/lora", f"some/lora/{FILE}"])
@pytest.mark.parametrize(
    ("main", "expected"), [("b2", "b2"), ("c3", "c3"), ("c3\n", "c3"), (None, "b2")]
)
def test_the_current_revision(top: Path, name: str, main: str | None, expected: str) -> None:
    if main is not None:
        (top / "refs").mkdir()
        (top / "refs" / "main").write_text(main)
    assert locate_file(name) == top / "snapshots" / expected / FILE


@pytest.mark.parametrize(
    ("main", "name", "error", "message"),
    [
        ("a1", "some/lora", InvalidInput, rf"several files: {FILE}, old\.safetensors"),
        ("b2", "some/lora/old.safetensors", ModelNotFound, r"old\.safetensors is not in"),
        ("d4", "some/lora", ModelNotFound, r"a \.safetensors file is not in"),
        ("d4", f"some/lora/{FILE}", ModelNotFound, rf"{FILE} is not in"),
    ],
)
def test_other_revisions_do_not_count(
    top: Path, main: str, name: str, error: type[Exception], message: str
) -> None:
    (top / "refs").mkdir()
    (top / "refs" / "main").write_text(main)
    with pytest.raises(error, match=message):
        locate_file(name)
