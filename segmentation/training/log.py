"""What a run writes down: CSV files for people and programs, and TensorBoard's files."""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cartoonedit.files import atomic_path

__all__ = ["RunLog"]

logger = logging.getLogger(__name__)

Row = Mapping[str, float]
FILES = ("log.csv", "validation.csv")


class RunLog:
    """Rows of numbers, one file per kind; a run that goes on from a step forgets what came after.

    Args:
        folder: Where `log.csv`, `validation.csv` and `tensorboard/` are written.
        step: The step that the run is at.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.folder = folder
        for name in FILES:
            _forget_after(folder / name, step)
        self._writer = _tensorboard(folder / "tensorboard", step)

    def write(self, name: str, row: Row) -> None:
        """Add a row, which has a `step`, to one of `FILES`."""
        path = self.folder / name
        columns = _columns(path)
        if columns and columns != list(row):  # another program's, or other terms of the loss
            path.replace(_free_name(path))
            columns = []
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row))
            if not columns:
                writer.writeheader()
            writer.writerow(row)
        if self._writer is not None:
            group = path.stem
            for key, value in row.items():
                if key != "step":
                    self._writer.add_scalar(f"{group}/{key}", value, int(row["step"]))

    def close(self) -> None:
        """Write out what is waiting."""
        if self._writer is not None:
            self._writer.close()


def _tensorboard(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        logger.warning("TensorBoard is not installed: the log is written as CSV only")
        return None
    return SummaryWriter(str(folder), purge_step=step + 1)


def _columns(path: Path) -> list[str]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        return next(csv.reader(file), [])


def _free_name(path: Path) -> Path:
    number = 1
    while (name := path.with_name(f"{path.stem}-{number}{path.suffix}")).exists():
        number += 1
    return name


def _forget_after(path: Path, step: int) -> None:
    """Drop rows of later steps: the run was stopped after it had logged them and does them again.

    A last line that was cut short by a kill goes, too.
    """
    if "step" not in _columns(path):
        return
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        header, *rows = list(csv.reader(file))
    at = header.index("step")
    kept = [
        row
        for row in rows
        if len(row) == len(header) and row[at].isdigit() and int(row[at]) <= step
    ]
    if len(kept) < len(rows):
        with atomic_path(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *kept])
