"""Latent diffusion: loading a pipeline of diffusers, placing it, and running it step by step.

Nothing here downloads anything, and no pickle is ever opened.
"""

from __future__ import annotations

from cartoonedit.diffusion.adapters import Lora, use_loras
from cartoonedit.diffusion.loading import (
    IMG2IMG,
    INPAINT,
    Family,
    Task,
    family_of,
    family_of_model,
    forget_pipelines,
    load_pipeline,
)
from cartoonedit.diffusion.memory import OFFLOADS, batch_for, explain_memory
from cartoonedit.diffusion.preview import latent_preview
from cartoonedit.diffusion.references import blank_embeds, reference_tokens, use_references
from cartoonedit.diffusion.sampling import report_steps, steps_run
from cartoonedit.diffusion.schedulers import (
    MOST_STEPS,
    SCHEDULERS,
    check_steps,
    scheduler_name,
    use_scheduler,
)

__all__ = [
    "IMG2IMG",
    "INPAINT",
    "MOST_STEPS",
    "OFFLOADS",
    "SCHEDULERS",
    "Family",
    "Lora",
    "Task",
    "batch_for",
    "blank_embeds",
    "check_steps",
    "explain_memory",
    "family_of",
    "family_of_model",
    "forget_pipelines",
    "latent_preview",
    "load_pipeline",
    "reference_tokens",
    "report_steps",
    "scheduler_name",
    "steps_run",
    "use_loras",
    "use_references",
    "use_scheduler",
]
