"""Schedulers by their familiar names."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from cartoonedit.diffusion import (
    IMG2IMG,
    MOST_STEPS,
    SCHEDULERS,
    check_steps,
    load_pipeline,
    scheduler_name,
    use_scheduler,
)
from cartoonedit.errors import InvalidInput

Build = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("no_network")

FIRST = "DPM++ 2M Karras"
OWN = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
KARRAS, PLAIN = {"use_karras_sigmas": True}, {"use_karras_sigmas": False}
ODE, SDE = {"algorithm_type": "dpmsolver++"}, {"algorithm_type": "sde-dpmsolver++"}
SECOND = {"solver_order": 2}
UNCLIPPED = {"clip_sample": False, "thresholding": False}


@pytest.fixture(scope="module")
def pipeline(tiny_diffusion: Build) -> Any:
    return load_pipeline(tiny_diffusion("sd15", 4), IMG2IMG, device="cpu")


@pytest.mark.parametrize(
    ("name", "class_name", "settings"),
    [
        ("DPM++ 2M Karras", "DPMSolverMultistepScheduler", ODE | SECOND | KARRAS),
        ("DPM++ 2M", "DPMSolverMultistepScheduler", ODE | SECOND | PLAIN),
        ("DPM++ 2M SDE Karras", "DPMSolverMultistepScheduler", SDE | SECOND | KARRAS),
        ("DPM++ 2M SDE", "DPMSolverMultistepScheduler", SDE | SECOND | PLAIN),
        ("DPM++ 2S Karras", "DPMSolverSinglestepScheduler", ODE | SECOND | KARRAS),
        ("Euler", "EulerDiscreteScheduler", PLAIN),
        ("Euler Karras", "EulerDiscreteScheduler", KARRAS),
        ("Euler a", "EulerAncestralDiscreteScheduler", {}),
        ("Heun", "HeunDiscreteScheduler", PLAIN),
        ("DDIM", "DDIMScheduler", UNCLIPPED),
        ("UniPC", "UniPCMultistepScheduler", SECOND | PLAIN),
        ("LCM", "LCMScheduler", UNCLIPPED),
    ],
)
def test_each_name(pipeline: Any, name: str, class_name: str, settings: dict[str, Any]) -> None:
    use_scheduler(pipeline, "DPM++ 2M SDE Karras")  # of which nothing may be left
    use_scheduler(pipeline, name)
    assert type(pipeline.scheduler).__name__ == class_name
    wanted = OWN | settings
    assert {key: pipeline.scheduler.config[key] for key in wanted} == wanted


def test_the_table_names_all() -> None:
    table = test_each_name.pytestmark[0].args[1]
    assert [row[0] for row in table] == list(SCHEDULERS)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_each_really_runs(pipeline: Any, name: str) -> None:
    use_scheduler(pipeline, name)
    picture = np.random.default_rng(0).random((1, 64, 64, 3), np.float32)
    made = [
        pipeline(
            prompt="a cat",
            image=picture,
            strength=0.5,
            num_inference_steps=4,
            generator=torch.Generator().manual_seed(seed),
            output_type="np",
        ).images
        for seed in (0, 0, 1)
    ]
    assert bool(np.isfinite(made[0]).all()) and made[0].std() > 0.01
    assert np.array_equal(made[0], made[1]) and not np.array_equal(made[0], made[2])


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("DPM++ 2M Karras", FIRST),
        ("dpm++ 2m karras", FIRST),
        ("  DPM++2MKarras ", FIRST),
        ("EULER A", "Euler a"),
        ("euler", "Euler"),
        ("dpm++ 2m sde", "DPM++ 2M SDE"),
    ],
)
def test_case_and_spaces_do_not_matter(given: str, name: str) -> None:
    assert scheduler_name(given) == name


@pytest.mark.parametrize("given", ["", "Euler b", "DPM", "karras"])
def test_others_are_told_what_there_is(pipeline: Any, given: str) -> None:
    before = pipeline.scheduler
    for call in (scheduler_name, lambda name: use_scheduler(pipeline, name)):
        with pytest.raises(InvalidInput) as caught:
            call(given)
        assert repr(given) in str(caught.value)
        assert all(name in str(caught.value) for name in SCHEDULERS)
    assert pipeline.scheduler is before


def test_a_pipeline_is_loaded_with_that_of_the_paper(pipeline: Any, tiny_diffusion: Build) -> None:
    """Also one that is kept and was used with another."""
    assert next(iter(SCHEDULERS)) == FIRST
    use_scheduler(pipeline, "LCM")
    again = load_pipeline(tiny_diffusion("sd15", 4), IMG2IMG, device="cpu")
    assert again is pipeline
    assert type(again.scheduler).__name__ == "DPMSolverMultistepScheduler"
    assert again.scheduler.config["use_karras_sigmas"]


@pytest.mark.parametrize(
    "own",
    [
        {"_class_name": "EulerDiscreteScheduler"},  # which knows of Karras, and does without
        {"_class_name": "UniPCMultistepScheduler", "use_beta_sigmas": True},
        {"_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "sde-dpmsolver++"},
        {"_class_name": "DPMSolverMultistepScheduler", "use_lu_lambdas": True},
        {"_class_name": "PNDMScheduler", "skip_prk_steps": True},
    ],
)
def test_whatever_a_pipeline_came_with(own: dict[str, Any]) -> None:
    class Pipeline:
        scheduler = getattr(diffusers, own["_class_name"]).from_config(OWN | own)

    pipeline = Pipeline()
    for name, wanted in ((FIRST, ODE | KARRAS), ("DPM++ 2M SDE", SDE | PLAIN), (FIRST, KARRAS)):
        use_scheduler(pipeline, name)
        wanted = OWN | wanted | {"use_beta_sigmas": False, "use_lu_lambdas": False}
        assert {key: pipeline.scheduler.config[key] for key in wanted} == wanted


@pytest.mark.parametrize(
    "own",
    [
        {"_class_name": "PNDMScheduler"},  # which knows nothing of clipping
        {"_class_name": "DDIMScheduler"},  # which clips where nothing is said
        {"_class_name": "DDPMScheduler", "clip_sample": True, "thresholding": True},
        {"_class_name": "LCMScheduler", "clip_sample": True},
    ],
)
@pytest.mark.parametrize("name", SCHEDULERS)
def test_latents_are_not_clipped(own: dict[str, Any], name: str) -> None:
    class Pipeline:
        scheduler = getattr(diffusers, own["_class_name"]).from_config(OWN | own)

    pipeline = Pipeline()
    use_scheduler(pipeline, name)
    pipeline.scheduler.set_timesteps(4)
    latents = torch.full((1, 4, 8, 8), 30.0)
    step = pipeline.scheduler.timesteps[0]
    made = pipeline.scheduler.step(torch.zeros_like(latents), step, latents)
    assert made.prev_sample.abs().max() > 10


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_the_most_steps_are_no_more_than_what_works(name: str, spacing: str) -> None:
    """In half precision, whose small numbers the last steps could fall below."""

    class Pipeline:
        own = OWN | {"steps_offset": 1, "timestep_spacing": spacing}
        scheduler = diffusers.PNDMScheduler.from_config(own)

    pipeline = Pipeline()
    use_scheduler(pipeline, name)
    most = 50 if name == "LCM" else MOST_STEPS
    check_steps(most, name)
    pipeline.scheduler.set_timesteps(most)
    if hasattr(pipeline.scheduler, "set_begin_index"):
        pipeline.scheduler.set_begin_index(0)
    latents = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(0)).half()
    latents = latents * pipeline.scheduler.init_noise_sigma
    assert pipeline.scheduler.timesteps[0] > 800  # nearly all of the schedule
    for step in pipeline.scheduler.timesteps:
        noise = pipeline.scheduler.scale_model_input(latents, step) / 2
        latents = pipeline.scheduler.step(noise, step, latents).prev_sample
    assert latents.isfinite().all()
    with pytest.raises(InvalidInput, match=f"from 1 to {most}.*got {most + 1}"):
        check_steps(most + 1, name)


@pytest.mark.parametrize("steps", [0, -1, 2.5, True, "4", None])
def test_steps_that_are_none(steps: Any) -> None:
    with pytest.raises(InvalidInput, match="steps must be a whole number from 1 to 200; got"):
        check_steps(steps)


def test_nothing_is_said_of_settings_that_a_scheduler_does_not_have(
    pipeline: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("diffusers"), "propagate", True)
    for name in SCHEDULERS:
        use_scheduler(pipeline, name)
    assert not caplog.text


def test_going_to_and_fro_loses_nothing(pipeline: Any) -> None:
    """Not even what only some schedulers know of."""
    for first in SCHEDULERS:
        use_scheduler(pipeline, first)
        before = dict(pipeline.scheduler.config)
        for other in ("LCM", "Euler a", "DPM++ 2M SDE Karras"):
            use_scheduler(pipeline, other)
        use_scheduler(pipeline, first)
        assert dict(pipeline.scheduler.config) == before


def test_what_the_network_was_trained_with_stays(tiny_diffusion: Build) -> None:
    """A model that predicts velocity does so with every scheduler."""
    pipeline = diffusers.StableDiffusionImg2ImgPipeline.from_pretrained(tiny_diffusion("sd15", 4))
    trained = {
        "prediction_type": "v_prediction",
        "rescale_betas_zero_snr": True,
        "timestep_spacing": "trailing",
    }
    pipeline.scheduler = diffusers.DDIMScheduler.from_config(pipeline.scheduler.config, **trained)
    for name in SCHEDULERS:
        use_scheduler(pipeline, name)
        config = pipeline.scheduler.config
        assert {key: config[key] for key in trained if key in config} == {
            key: value for key, value in trained.items() if key in config
        }
        assert config["prediction_type"] == "v_prediction"
