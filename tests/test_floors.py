"""Imports go down only: apps -> segmentation, prompts -> cartoonedit."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FLOORS = {"cartoonedit": 1, "segmentation": 2, "prompts": 2, "apps": 3}

# The words that a background is painted with are data, kept where all prompts are kept.
DOORS = {("cartoonedit/inpaint/latent.py", "prompts")}


def python_files(root: Path, package: str) -> list[Path]:
    return sorted((root / package).rglob("*.py"))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that a file imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative imports hide the floor"
            yield node.lineno, node.module or ""


@pytest.mark.parametrize("package", FLOORS)
def test_imports_go_down_only(root: Path, package: str) -> None:
    # cartoonedit/__init__ hands on names of the floors above, lazily and for type checkers.
    files = [f for f in python_files(root, package) if f != root / "cartoonedit" / "__init__.py"]
    assert files
    upward = [
        f"{path.relative_to(root)}:{line} imports {name}"
        for path in files
        for line, name in imported(path)
        if (top := name.split(".")[0]) in FLOORS
        and top != package
        and FLOORS[top] >= FLOORS[package]
        and (path.relative_to(root).as_posix(), top) not in DOORS
    ]
    assert not upward


def test_no_circle_inside_cartoonedit(root: Path) -> None:
    """Imports at the top of a module; one inside a function may go any way on its own floor."""
    edges: dict[str, set[str]] = {}
    for path in python_files(root, "cartoonedit"):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        edges[name] = {
            node.module
            for node in tree.body
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cartoonedit.")
        }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail, name])
        if name not in done:
            for other in edges.get(name, ()):
                visit(other, (*trail, name))
            done.add(name)

    for name in edges:
        visit(name, ())


@pytest.mark.parametrize("package", FLOORS)
def test_files_and_functions_stay_small(root: Path, package: str) -> None:
    for path in python_files(root, package):
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") < 500, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 90, f"{path}: {node.name}"


@pytest.mark.parametrize("package", FLOORS)
def test_typed(root: Path, package: str) -> None:
    assert (root / package / "py.typed").exists()
