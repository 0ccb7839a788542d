"""Schedulers by the names that users know them by."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from cartoonedit.errors import InvalidInput, shown

__all__ = ["MOST_STEPS", "SCHEDULERS", "check_steps", "scheduler_name", "use_scheduler"]

_KARRAS = {"use_karras_sigmas": True}
_SDE = {"algorithm_type": "sde-dpmsolver++"}

SCHEDULERS: dict[str, tuple[str, dict[str, Any]]] = {
    "DPM++ 2M Karras": ("DPMSolverMultistepScheduler", _KARRAS),
    "DPM++ 2M": ("DPMSolverMultistepScheduler", {}),
    "DPM++ 2M SDE Karras": ("DPMSolverMultistepScheduler", _SDE | _KARRAS),
    "DPM++ 2M SDE": ("DPMSolverMultistepScheduler", _SDE),
    "DPM++ 2S Karras": ("DPMSolverSinglestepScheduler", _KARRAS),
    "Euler": ("EulerDiscreteScheduler", {}),
    "Euler Karras": ("EulerDiscreteScheduler", _KARRAS),
    "Euler a": ("EulerAncestralDiscreteScheduler", {}),
    "Heun": ("HeunDiscreteScheduler", {}),
    "DDIM": ("DDIMScheduler", {}),
    "UniPC": ("UniPCMultistepScheduler", {}),
    "LCM": ("LCMScheduler", {}),
}
"""Name to the class of diffusers and what is set in it. The first is the paper's (section 6)."""

MOST_STEPS = 200
"""Of the 1000 that networks are trained with. Strides are whole numbers, so with many more steps
some schedulers leave out the noisy half, and with all of them some fail."""

_MOST_STEPS = {"LCM": 50}  # those with which its networks are distilled

# Settings of which at most one may be on, and those that are for pictures: latents go far beyond 1.
_OFF = {
    "clip_sample": False,
    "thresholding": False,
    "use_karras_sigmas": False,
    "use_exponential_sigmas": False,
    "use_beta_sigmas": False,
    "use_lu_lambdas": False,
}
_SOLVER = {"algorithm_type": "dpmsolver++", "solver_order": 2}


def scheduler_name(name: str) -> str:
    """The name as :data:`SCHEDULERS` spells it; case and spaces do not matter.

    Raises:
        InvalidInput: There is none of that name.
    """
    known = {_key(each): each for each in SCHEDULERS}
    if _key(name) not in known:
        raise InvalidInput(f"scheduler must be one of {', '.join(SCHEDULERS)}; got {name!r}.")
    return known[_key(name)]


def check_steps(steps: int, name: str = next(iter(SCHEDULERS))) -> None:
    """Raise :class:`InvalidInput` unless a scheduler can divide its schedule in so many steps."""
    name = scheduler_name(name)
    most = _MOST_STEPS.get(name, MOST_STEPS)
    if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= most:
        of = f" with the scheduler {name}" if name in _MOST_STEPS else ""
        raise InvalidInput(
            f"steps must be a whole number from 1 to {most}{of}; got {shown(steps)}."
        )


def use_scheduler(pipeline: Any, name: str) -> None:
    """Give a pipeline another scheduler.

    What its own one says about the noise schedule and the kind of prediction stays, because the
    network was trained with it.

    Raises:
        InvalidInput: There is none of that name.
    """
    import diffusers

    class_name, settings = SCHEDULERS[scheduler_name(name)]
    own = _own.setdefault(pipeline, dict(pipeline.scheduler.config))
    solver = _SOLVER if class_name.startswith("DPMSolver") else {}
    # Apart from its own: what those list as defaults would be dropped from a single dict.
    chosen = _OFF | solver | settings
    pipeline.scheduler = getattr(diffusers, class_name).from_config(own, **chosen)


_own: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()
"""The settings of the scheduler that each pipeline came with."""


def _key(name: str) -> str:
    return "".join(name.casefold().split())
