"""How a pipeline is sampled: number of steps, and reports between steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cartoonedit.runtime import Progress

__all__ = ["report_steps", "steps_run"]


def steps_run(steps: int, strength: float) -> int:
    """How many of ``steps`` are run from a picture that is noised by ``strength`` (0..1)."""
    return min(steps, int(steps * strength))  # as diffusers counts


State = dict[str, Any]
"""The tensors of a pipeline that a callback may see and change."""


def report_steps(
    progress: Progress, done: int, total: int, message: str
) -> Callable[[Any, int, Any, State], State]:
    """A callback for ``callback_on_step_end`` that reports, and so can be cancelled, at each step.

    Args:
        progress: Called after each step; may raise :class:`~cartoonedit.errors.Cancelled`.
        done: Steps that were run before this call of the pipeline.
        total: Steps of all calls together.
        message: What is going on.
    """

    def after_step(
        pipeline: Any, step: int, timestep: Any, state: dict[str, Any]
    ) -> dict[str, Any]:
        progress(done + step + 1, total, message)
        return state

    return after_step
