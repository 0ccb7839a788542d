"""How much of a picture's drawing is left in a translation of it: do its lines still lie there?

A translation may change all colours, but the paper wants it to keep "the same structural lines as
the original" (section 6.2). So the lines of both are drawn, thinned and compared as edge detectors
are compared with the truth: a line counts where the other picture has one close by.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput
from cartoonedit.images import resize
from cartoonedit.lineart import draw_lines

__all__ = ["at_size_of", "line_agreement", "structure_score", "thin_lines"]

_LEAST = 64  # half of a median line, which the standard line art draws at 127
_TOLERANCE = 1 / 300  # of the longer side


def structure_score(source: NDArray[np.uint8], result: NDArray[np.uint8]) -> float:
    """Agreement of the lines of two pictures.

    Args:
        source: RGB ``uint8`` ``(H, W, 3)``.
        result: What became of it; one of another size is brought to that of the source.

    Returns:
        0..1, where 1 says that all lines are where they were, within 1/300 of the longer side and
        at least a pixel. Unrelated pictures full of detail agree by chance, to about 0.4.

    Raises:
        InvalidInput: The two have quite different proportions, so they are hardly of one picture.
    """
    size_wh = source.shape[1], source.shape[0]
    lines = (thin_lines(picture) for picture in (source, at_size_of(result, size_wh)))
    return line_agreement(*lines, tolerance=max(1.0, max(size_wh) * _TOLERANCE))


def at_size_of(result: NDArray[np.uint8], size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """A result at the size of its source, which diffusion rounds to whole cells.

    Args:
        result: RGB ``uint8`` ``(H, W, 3)``.
        size_wh: Of its source.

    Raises:
        InvalidInput: The two have quite different proportions, so they are hardly of one picture.
    """
    (height, width), (source_width, source_height) = result.shape[:2], size_wh
    if not 0.9 <= width * source_height / (height * source_width) <= 1.1:
        raise InvalidInput(
            f"the result is {width}x{height} pixels and its source {source_width}x{source_height};"
            " a translation keeps the proportions. Compare each result with its own source."
        )
    return resize(result, size_wh)


def thin_lines(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The standard line art of a picture reduced to its ridges, ``bool`` ``(H, W)``.

    A broad line counts by its length then, as a narrow one does.
    """
    lines = draw_lines(picture).astype(np.float32)
    padded = np.pad(cv2.GaussianBlur(lines, (0, 0), 1), 1, mode="edge")  # flat tops get a peak
    middle = padded[1:-1, 1:-1]
    across = (middle > padded[1:-1, :-2]) & (middle >= padded[1:-1, 2:])
    down = (middle > padded[:-2, 1:-1]) & (middle >= padded[2:, 1:-1])
    return (across | down) & (lines >= _LEAST)


def line_agreement(
    source: NDArray[np.bool_], result: NDArray[np.bool_], *, tolerance: float
) -> float:
    """F1 of two drawings: the harmonic mean of how much of each lies close to the other.

    Args:
        source: Where there are lines, ``bool`` ``(H, W)``.
        result: Likewise.
        tolerance: Pixels that count as close.

    Returns:
        0..1; 1 if both are empty, 0 if only one is.
    """
    if not source.any() or not result.any():
        return float(source.any() == result.any())
    precision = float(_close(source, tolerance)[result].mean())
    recall = float(_close(result, tolerance)[source].mean())
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _close(lines: NDArray[np.bool_], tolerance: float) -> NDArray[np.bool_]:
    distance = cv2.distanceTransform((~lines).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return distance <= tolerance
