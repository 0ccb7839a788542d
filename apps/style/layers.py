"""A translated picture as layers: PSD for Photoshop and Clip Studio, OpenRaster for Krita and GIMP.

From the bottom: ``plate``, the original background; ``background``, what became of it; what is left
of the picture around the characters, ``background edges``; and for each character, farthest first,
a group of ``NAME original`` and ``NAME mask``, both hidden, and ``NAME``, what became of it. So the
stack shows the translated picture, to within one level. Who was not translated has no original, and
without a translated background the edges are those of the plate. A picture translated as a whole is
a single group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.style.options import BACKGROUND
from cartoonedit.errors import InvalidInput
from cartoonedit.layered import Group, Sheet, back_to_front, write_ora, write_psd
from cartoonedit.matte import unmix

if TYPE_CHECKING:
    from apps.style import Styled
    from cartoonedit.instance import Instance

__all__ = ["FORMATS", "write_layers"]

Write = Callable[[Sequence[Sheet | Group], NDArray[np.uint8], Path], Path]
FORMATS: dict[str, Write] = {".psd": write_psd, ".ora": write_ora}
"""What writes each ending."""


def write_layers(styled: Styled, path: str | Path) -> Path:
    """Write the layers of a translated picture; see the head of this module.

    After a fused pass, which sees the whole picture, the translated background shows the characters
    where they stand; after any other it is complete behind them.

    Args:
        styled: What was made. Its scene's plate is made, if it has none yet.
        path: ``.psd`` or ``.ora``.

    Returns:
        ``path``.

    Raises:
        InvalidInput: The ending is another, or a side is longer than the 30,000 pixels which a PSD
            may have.
        CartooneditError: The place cannot be written to.
    """
    path = Path(path)
    write = FORMATS.get(path.suffix.lower())
    if write is None:
        raise InvalidInput(
            f"cannot write layers as {path.name!r}: the ending must be one of"
            f" {', '.join(FORMATS)}; got {path.suffix!r}."
        )
    whole = any(part.name == "picture" for part in styled.parts)
    return write(_whole(styled) if whole else _stack(styled), styled.picture, path)


def _whole(styled: Styled) -> list[Sheet | Group]:
    original = _opaque("picture original", styled.scene.picture, visible=False)
    return [Group("picture", (original, _opaque("picture", styled.picture)))]


def _stack(styled: Styled) -> list[Sheet | Group]:
    """All layers, the lowest first."""
    scene = styled.scene
    stack: list[Sheet | Group] = [_opaque("plate", scene.plate)]
    lowest, behind = "plate", scene.plate
    if BACKGROUND in styled.patches:
        lowest, behind = BACKGROUND, styled.patches[BACKGROUND].colours
        stack.append(_opaque(BACKGROUND, behind))
    order = back_to_front(scene)
    colours, edges = unmix(styled.picture, behind, [one.mask for one in order])
    x, y, width, height = cv2.boundingRect(np.ascontiguousarray(edges[..., 3]))
    if width:
        stack.append(Sheet(f"{lowest} edges", edges[y : y + height, x : x + width], x, y))
    for one, rgb in zip(order, colours, strict=True):
        stack.append(_group(styled, one, rgb))
    return stack


def _group(styled: Styled, one: Instance, rgb: NDArray[np.uint8]) -> Group:
    x1, y1, x2, y2 = one.bounds_xyxy
    alpha = one.mask[y1:y2, x1:x2]
    now = Sheet(one.name, np.dstack([rgb * (alpha > 0)[..., None], alpha]), x1, y1)
    mask = Sheet(f"{one.name} mask", _grey(alpha), x1, y1, visible=False)
    if one.name not in styled.patches:
        return Group(one.name, (now, mask))
    cutout = styled.scene.cutout(one)[y1:y2, x1:x2]
    return Group(
        one.name, (Sheet(f"{one.name} original", cutout, x1, y1, visible=False), now, mask)
    )


def _opaque(name: str, picture: NDArray[np.uint8], visible: bool = True) -> Sheet:
    full = np.full(picture.shape[:2], 255, np.uint8)
    return Sheet(name, np.dstack([picture, full]), visible=visible)


def _grey(alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.dstack([alpha, alpha, alpha, np.full_like(alpha, 255)])
