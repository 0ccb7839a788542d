"""Numbers of steps, and reports between steps."""

from __future__ import annotations

import pytest
import torch

from cartoonedit.diffusion import report_steps, steps_run
from cartoonedit.errors import Cancelled


@pytest.mark.parametrize(("steps", "strength", "run"), [(32, 0.75, 24), (32, 1, 32), (3, 0.3, 0)])
def test_steps_run(steps: int, strength: float, run: int) -> None:
    assert steps_run(steps, strength) == run


def test_steps_are_reported_and_can_be_cancelled() -> None:
    seen: list[tuple[int, int, str]] = []

    def progress(step: int, total: int, message: str) -> None:
        seen.append((step, total, message))
        if step == 12:
            raise Cancelled("enough")

    after_step = report_steps(progress, 10, 20, "painting")
    state = {"latents": torch.zeros(1)}
    assert after_step(None, 0, None, state) is state
    with pytest.raises(Cancelled):
        after_step(None, 1, None, state)
    assert seen == [(11, 20, "painting"), (12, 20, "painting")]
