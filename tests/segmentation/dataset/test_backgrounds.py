"""What may stand behind characters."""

from __future__ import annotations

import numpy as np
import pytest

from cartoonedit.errors import InvalidInput
from segmentation.dataset.backgrounds import check_background
from segmentation.dataset.material_options import BackgroundOptions


def scenery(width: int = 1024, height: int = 768, alpha: int = 255) -> np.ndarray:
    rgba = np.zeros((height, width, 4), np.uint8)
    rgba[..., :3] = np.linspace(0, 255, width).astype(np.uint8)[None, :, None]
    rgba[..., 3] = alpha
    return rgba


@pytest.mark.parametrize("size", [(1024, 768), (768, 1024), (3000, 900)])
def test_large_pictures_are_taken(size: tuple[int, int]) -> None:
    check_background(scenery(*size))


@pytest.mark.parametrize(
    ("rgba", "reason"),
    [
        (scenery(1023, 768), "small: 1023x768 pixels, at least 1024x768"),
        (scenery(2000, 700), "small"),
        (scenery(1, 1), "small"),
        (scenery(alpha=128), "transparent: 100%"),
        (np.full((800, 1100, 4), 255, np.uint8), "blank"),
    ],
    ids=["narrow", "flat", "tiny", "transparent", "blank"],
)
def test_others_are_refused(rgba: np.ndarray, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        check_background(rgba)


def test_the_size_is_an_option() -> None:
    check_background(scenery(300, 200), BackgroundOptions(min_size_wh=(300, 200)))


@pytest.mark.parametrize(
    "wrong", [{"min_size_wh": (0, 5)}, {"threshold": 1.5}, {"min_person": -0.1}]
)
def test_senseless_options_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        BackgroundOptions(**wrong)  # type: ignore[arg-type]
