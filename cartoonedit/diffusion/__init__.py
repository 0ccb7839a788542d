"""Latent diffusion: loading a pipeline of diffusers, placing it, and running it step by step.

Nothing here downloads anything, and no pickle is ever opened.
"""

from __future__ import annotations

from cartoonedit.diffusion.loading import INPAINT, Task, forget_pipelines, load_pipeline
from cartoonedit.diffusion.memory import OFFLOADS, explain_memory
from cartoonedit.diffusion.sampling import report_steps, steps_run, use_dpm_karras, warn_long_prompt

__all__ = [
    "INPAINT",
    "OFFLOADS",
    "Task",
    "explain_memory",
    "forget_pipelines",
    "load_pipeline",
    "report_steps",
    "steps_run",
    "use_dpm_karras",
    "warn_long_prompt",
]
