from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cartoonedit.inpaint import fill_smooth
from tests.cartoonedit.inpaint.pictures import disc


class TestFillSmooth:
    def test_a_gradient_goes_on(self) -> None:
        values = np.linspace(0, 1, 96, dtype=np.float32)[None].repeat(72, axis=0)
        np.testing.assert_allclose(fill_smooth(values, disc() > 0), values, atol=0.04)

    @given(st.integers(1, 24), st.integers(1, 24), st.integers(0, 2**31), st.floats(0, 0.99))
    @settings(max_examples=60, deadline=None)
    def test_known_values_stay_and_bound_the_others(
        self, height: int, width: int, seed: int, share: float
    ) -> None:
        rng = np.random.default_rng(seed)
        values = rng.random((height, width, 2), dtype=np.float32)
        hole = rng.random((height, width)) < share
        hole.flat[0] = False
        filled = fill_smooth(np.where(hole[..., None], np.float32(1e6), values), hole)
        np.testing.assert_allclose(filled[~hole], values[~hole], atol=1e-5)
        assert filled.min() >= values[~hole].min() - 1e-4
        assert filled.max() <= values[~hole].max() + 1e-4
