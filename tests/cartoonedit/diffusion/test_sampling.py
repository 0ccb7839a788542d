"""Numbers of steps, long prompts, and reports between steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from cartoonedit.diffusion import (
    INPAINT,
    load_pipeline,
    report_steps,
    steps_run,
    warn_long_prompt,
)
from cartoonedit.errors import Cancelled

Build = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("no_network", "forgotten")


@pytest.mark.parametrize(("steps", "strength", "run"), [(32, 0.75, 24), (32, 1, 32), (3, 0.3, 0)])
def test_steps_run(steps: int, strength: float, run: int) -> None:
    assert steps_run(steps, strength) == run


def test_long_prompts_are_not_cut_in_silence(
    tiny_diffusion: Build, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline = load_pipeline(tiny_diffusion(), INPAINT, device="cpu")
    caplog.clear()
    warn_long_prompt(pipeline, "a" * 75)
    assert not caplog.text
    warn_long_prompt(pipeline, "a" * 75 + "xyz")
    assert "80 tokens" in caplog.text and "cut off: xyz" in caplog.text


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
