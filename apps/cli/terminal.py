"""What a person sees: notes and a progress bar on stderr, results on stdout."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer

__all__ = [
    "Notes",
    "Show",
    "bytes_for_people",
    "complain",
    "note",
    "print_json",
    "print_table",
    "progress_bar",
]

Show = Callable[[float, float, str], None]
"""``show(done, total, message)`` moves the bar."""


_bars: list[Any] = []  # the bar on the screen, if there is one


def say(message: str) -> None:
    """Print a result on stdout."""
    with _without_bar():
        typer.echo(message)


def note(message: str) -> None:
    """Tell how the work goes, on stderr."""
    with _without_bar():
        typer.echo(message, err=True)


def complain(message: str) -> None:
    """Say on stderr what went wrong, in red where that is possible."""
    with _without_bar():
        colour = None if os.environ.get("NO_COLOR") else "red"
        typer.secho(f"cartoonedit: {message}", err=True, fg=colour)


@contextmanager
def _without_bar() -> Iterator[None]:
    """Take the bar off the screen while a line is printed."""
    for bar in _bars:
        bar.stop()
    yield
    for bar in _bars:
        bar.start()


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
    bar = Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,  # would send results to stderr, too
        redirect_stderr=False,
    )
    task = bar.add_task("", total=None)
    with bar:
        _bars.append(bar)
        try:
            yield lambda done, total, message: bar.update(
                task, completed=done, total=total or None, description=message
            )
        finally:
            _bars.remove(bar)


def bytes_for_people(count: float) -> str:
    """A number of bytes such as ``640 kB``, ``23.4 MB`` or ``1.2 GB``."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count / 1e3:.0f} kB"
