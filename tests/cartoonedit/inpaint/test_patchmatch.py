from __future__ import annotations

import numpy as np
import pytest

from cartoonedit.inpaint import inpaint
from cartoonedit.inpaint import patchmatch as module
from tests.cartoonedit.inpaint.pictures import disc, noise, stripes


def test_patchmatch_continues_a_pattern() -> None:
    picture, mask = stripes(), disc(radius=10)
    hidden = picture.copy()
    hidden[mask > 0] = (255, 0, 0)
    error = np.abs(inpaint(hidden, mask).astype(int) - picture)[mask > 0]
    assert error.mean() < 12


@pytest.mark.parametrize("most", [module.MAX_PIXELS, 2000], ids=["full size", "reduced first"])
def test_same_seed_same_bytes(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(module, "MAX_PIXELS", most)
    picture = noise(72, 96)
    first, again, other = (inpaint(picture, disc(), seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_array_equal(first[disc() == 0], picture[disc() == 0])
