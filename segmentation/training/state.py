"""The state of a run on the disk: whole or not there, with the one before it kept."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from cartoonedit.errors import InvalidInput
from cartoonedit.files import atomic_path

__all__ = ["LAST", "PREVIOUS", "check_settings", "load_state", "save_state"]

logger = logging.getLogger(__name__)

LAST, PREVIOUS = "last.pt", "previous.pt"
_PARTS = {"net", "average", "optimizer", "step", "elapsed"}

SHAPES = ("size", "width")
"""Settings that the weights have the shape of."""

HARMLESS = {
    "workers", "save_minutes", "save_steps", "log_steps", "sheet_steps", "val", "val_pictures",
    "views", "score_power", "rough_share", "snap", "start", "encoder",
}  # fmt: skip
"""Settings that change nothing of what is learnt, or nothing any more."""


def save_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Write the state of a run; the one before becomes ``previous.pt``."""
    last = folder / LAST
    with atomic_path(last) as partial:
        torch.save(dict(state), partial)
        if last.exists():
            _keep(last, folder / PREVIOUS)


def _keep(last: Path, previous: Path) -> None:
    """Give a file a second name without taking the first away, where the disk can do that."""
    with atomic_path(previous) as partial:
        try:
            os.link(last, partial)
        except OSError:
            shutil.copyfile(last, partial)


def load_state(folder: Path) -> dict[str, Any] | None:
    """The state of the run in a folder; None if there is none.

    Raises:
        InvalidInput: The file is damaged or is no state of a run.
    """
    path = folder / LAST
    if not path.is_file():
        path = folder / PREVIOUS
        if not path.is_file():
            return None
        logger.warning("%s is missing; going on from %s", folder / LAST, path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever its parser stumbles over
        raise InvalidInput(_damaged(path, f"{type(error).__name__}")) from error
    if not isinstance(state, dict) or not state.keys() >= _PARTS:
        raise InvalidInput(_damaged(path, "it lacks parts"))
    return state


def _damaged(path: Path, why: str) -> str:
    earlier = path.with_name(PREVIOUS)
    way = (
        f"The state saved before it is {str(earlier)!r}: rename that to {LAST} to go on from there,"
        if path.name == LAST and earlier.is_file()
        else "Delete it"
    )
    return f"the state of the run in {str(path)!r} is damaged ({why}). {way} or give another --out."


def check_settings(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Compare what a run was started with to what it shall go on with.

    Raises:
        InvalidInput: The network has another size, so that the weights do not fit.
    """
    changed = [
        f"{name} {before[name]} -> {now[name]}"
        for name in now
        if name in before and before[name] != now[name] and name not in HARMLESS
    ]
    shapes = [change for change in changed if change.split()[0] in SHAPES]
    if shapes:
        raise InvalidInput(
            f"the run in {str(folder)!r} trains another network ({', '.join(shapes)}). Give the"
            " same options to go on with it, or another --out for a new run."
        )
    if changed:
        logger.warning(
            "this run goes on with other options than it had: %s. Its result is not that of one run"
            " with either; give another --out for a new run.",
            ", ".join(changed),
        )
