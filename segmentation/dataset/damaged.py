"""Which pictures of a collection cannot be read: each is named once and left out."""

from __future__ import annotations

import logging
import mmap
from typing import Any

from cartoonedit.errors import InvalidInput

__all__ = ["Damaged"]

logger = logging.getLogger(__name__)


class Damaged:
    """A flag for each of ``count`` pictures, shared with forked worker processes.

    Args:
        count: Number of pictures, at least 1.
    """

    def __init__(self, count: int) -> None:
        self._flags = mmap.mmap(-1, count)

    def __reduce__(self) -> tuple[Any, ...]:
        # A process that is not forked starts with none known and names what it finds.
        return Damaged, (len(self._flags),)

    def __contains__(self, number: int) -> bool:
        return bool(self._flags[number])

    def __len__(self) -> int:
        return self._flags[:].count(1)

    def add(self, number: int, error: Exception) -> None:
        """Leave a picture out from now on, and say so.

        Raises:
            InvalidInput: It was the last one.
        """
        if number not in self:
            self._flags[number] = 1
            logger.warning("left out: %s", error)
        if len(self) == len(self._flags):
            raise InvalidInput(
                f"none of the {len(self._flags)} pictures can be used; the last one: {error}"
            )
