"""Many pictures in one command: one that fails is named, the others are done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import typer

from apps.cli.places import is_scene
from apps.cli.terminal import Show, complain, progress_bar
from cartoonedit.errors import Cancelled, CartooneditError, InvalidInput
from cartoonedit.files import expand_pictures
from cartoonedit.runtime import Progress

__all__ = ["Failure", "describe", "find_pictures", "for_each", "share"]

logger = logging.getLogger(__name__)
Result = TypeVar("Result")


@dataclass(frozen=True)
class Failure:
    """A picture that could not be done, and why."""

    file: str
    error: str


def describe(error: Exception) -> str:
    """Return one line that tells a person what went wrong."""
    if isinstance(error, CartooneditError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    if isinstance(error, RuntimeError) and "home directory" in str(error):
        return "a path begins with ~ and the name of somebody who has no home on this machine."
    return (
        f"an error that cartoonedit did not expect: {type(error).__name__}: {error}. To report it, "
        "add what `cartoonedit --debug ...` and `cartoonedit doctor` print."
    )


def find_pictures(
    patterns: Iterable[str], *, scenes: bool = True
) -> tuple[list[Path], list[Failure]]:
    """Expand files, folders and globs; a pattern that matches nothing fails alone.

    The folder of a saved scene stands for itself, not for the pictures in it.

    Args:
        patterns: The words of the command line.
        scenes: Patterns match such folders, too, and a folder that holds no picture stands for the
            scenes in it. Else they must be named outright.

    Returns:
        The files, each once, in the order that they were named; and the patterns without a match.

    Raises:
        typer.BadParameter: Nothing matches at all.
    """
    found: dict[Path, None] = {}
    failures = []
    for pattern in patterns:
        try:
            wanted = scenes or is_scene(Path(pattern).expanduser())
            matches = expand_pictures([pattern], stands_for_one=is_scene if wanted else None)
            found.update(dict.fromkeys(matches))
        except InvalidInput as error:
            failures.append(Failure(pattern, str(error)))
    if not found:
        raise typer.BadParameter(" ".join(failure.error for failure in failures))
    for failure in failures:
        complain(failure.error)
    return list(found), failures


def for_each(
    files: Sequence[Path], work: Callable[[Path, Progress], Result]
) -> tuple[list[Result], list[Failure]]:
    """Do ``work`` on each file under one progress bar.

    Args:
        files: What to work on.
        work: Called with a file and the progress callback to report to.

    Returns:
        The results of the files that went well, in order, and the failures.

    Raises:
        Cancelled: The work was stopped; nothing of the file in hand is left.
        BrokenPipeError: The reader of stdout went away, as ``head`` does.
    """
    results, failures = [], []
    with progress_bar() as show:
        for index, file in enumerate(files):
            try:
                results.append(work(file, share(show, index, len(files), file.name)))
            except (Cancelled, BrokenPipeError):  # nobody reads on: that is no picture's fault
                raise
            except Exception as error:  # any kind: the other pictures do not suffer for this one
                logger.debug("%s failed", file, exc_info=True)
                failures.append(Failure(str(file), describe(error)))
                named = str(file) in describe(error)
                complain(describe(error) if named else f"{file}: {describe(error)}")
    return results, failures


def share(show: Show, index: int, total: int, name: str) -> Progress:
    """Return the progress callback for part ``index`` of ``total`` equal ones of the bar."""

    def progress(step: int, steps: int, message: str) -> None:
        done = min(step / steps, 1.0) if steps else 0.0
        show(index + done, total, f"{name}: {message}" if message else name)

    progress(0, 1, "")
    return progress
