"""What a person sees: notes and a progress bar on stderr, results on stdout."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer

__all__ = [
    "Notes",
    "Show",
    "complain",
    "megabytes",
    "note",
    "print_json",
    "print_table",
    "progress_bar",
]

Show = Callable[[float, float, str], None]
"""``show(done, total, message)`` moves the bar."""


def note(message: str) -> None:
    """Tell how the work goes, on stderr."""
    typer.echo(message, err=True)


def complain(message: str) -> None:
    """Say on stderr what went wrong, in red where that is possible."""
    typer.secho(f"cartoonedit: {message}", err=True, fg="red")


class Notes(logging.Handler):
    """Shows log records as notes; unlike a stream handler it never writes across a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record."""
        note(self.format(record))


def print_json(value: Any) -> None:
    """Print a machine-readable result on stdout."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows on stdout in columns that line up; all rows have the same number of cells."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


@contextmanager
def progress_bar() -> Iterator[Show]:
    """Draw a bar on stderr while the block runs; draw nothing where stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield lambda done, total, message: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    # Bracketed names are no markup here: a picture may be called "a[1].png".
    text = TextColumn("{task.description}", markup=False)
    columns = BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), text
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total, message: bar.update(
            task, completed=done, total=total or None, description=message
        )


def megabytes(count: float) -> str:
    """A number of bytes for a person, such as ``23.4 MB`` or ``1.2 GB``."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
