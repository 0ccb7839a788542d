"""Three pictures to try everything on; ``LICENCE.md`` beside them gives origin and licence."""

from __future__ import annotations

from pathlib import Path

from cartoonedit.errors import InvalidInput

__all__ = ["SAMPLES", "sample_path"]

SAMPLES = {
    "concert": "concert.jpg",  # three musicians on a stage, 1600 x 1020
    "duo": "duo.png",  # a girl and a boy in a meadow, whole figures, 1280 x 720
    "novel": "novel.jpg",  # three characters in a park, a visual novel scene, 1280 x 720
}
"""Sample name to file name."""


def sample_path(name: str = "concert") -> Path:
    """Return the path of a sample picture.

    Args:
        name: A key of :data:`SAMPLES`.

    Raises:
        InvalidInput: No such sample; the message lists the ones there are.
    """
    if name not in SAMPLES:
        raise InvalidInput(f"no sample picture named {name!r}; there are: {', '.join(SAMPLES)}.")
    return Path(__file__).parent / SAMPLES[name]
