"""Pipelines of diffusers from the local cache, a folder, or a single file of weights."""

from __future__ import annotations

import gc
import logging
import re
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cartoonedit import hub
from cartoonedit.diffusion.controlnets import add_controlnet
from cartoonedit.diffusion.locating import locate, missing, refuse_pickles_in
from cartoonedit.diffusion.memory import explain_memory, place
from cartoonedit.diffusion.schedulers import SCHEDULERS, use_scheduler
from cartoonedit.diffusion.single_file import inspect_file, read_pipeline
from cartoonedit.diffusion.weights import dtype_argument, explain_damage, read_settings, variant_in
from cartoonedit.errors import InvalidInput, ModelNotFound

__all__ = [
    "IMG2IMG",
    "INPAINT",
    "Family",
    "Task",
    "family_of",
    "family_of_model",
    "find_settings",
    "forget_pipelines",
    "load_pipeline",
]

logger = logging.getLogger(__name__)

Family = Literal["sd15", "sdxl"]


@dataclass(frozen=True)
class Task:
    """The pipeline class of diffusers that does a job, by family of checkpoints.

    Attributes:
        sd15: For checkpoints of the Stable Diffusion 1.5 family.
        sdxl: For those of the SDXL family.
    """

    sd15: str
    sdxl: str


INPAINT = Task(sd15="StableDiffusionInpaintPipeline", sdxl="StableDiffusionXLInpaintPipeline")
"""Fills a hole. A UNet of 9 channels sees what is around the hole; one of 4 is held to it."""

IMG2IMG = Task(sd15="StableDiffusionImg2ImgPipeline", sdxl="StableDiffusionXLImg2ImgPipeline")
"""Paints a picture anew from itself, noised; with a ControlNet, if one is given, its lines hold."""

_PIPELINE_CLASS = re.compile(r"StableDiffusion(XL)?(Inpaint|Img2Img)?Pipeline")
# The safety checker is 1.2 GB and calls drawings unsafe at random; a watermark changes pixels.
_LEFT_OUT: dict[Family, dict[str, Any]] = {
    "sd15": {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False},
    "sdxl": {"add_watermarker": False},
}
_CONFIGS: dict[Family, tuple[str, ...]] = {
    "sd15": ("sd15-config", "sd15-inpainting"),
    "sdxl": ("sdxl-config",),
}


def load_pipeline(
    model: str | Path,
    task: Task,
    *,
    device: str = "auto",
    dtype: str = "auto",
    offload: str = "none",
    config: str | Path | None = None,
    controlnet: str | Path | None = None,
) -> Any:
    """Load a pipeline with the DPM++ 2M Karras scheduler; the last one loaded is kept.

    One that is kept still has the LoRAs and the IP-Adapter that it was last used with.

    Args:
        model: A name of the catalogue, a hub repository in the local cache, a folder in diffusers'
            form, or a single ``.safetensors`` file; of the SD 1.5 or the SDXL family.
        task: What it is for.
        device: As for :func:`cartoonedit.runtime.pick_device`.
        dtype: As for :func:`cartoonedit.runtime.pick_dtype`.
        offload: One of :data:`~cartoonedit.diffusion.memory.OFFLOADS`.
        config: For a single file: a folder in diffusers' form with the settings and tokenizers of
            its family. None takes them from the local cache.
        controlnet: For :data:`IMG2IMG`: what holds the lines, in any of the forms of ``model``, of
            the same family.

    Returns:
        The pipeline, in place and ready.

    Raises:
        ModelNotFound: It, or the settings of a single file, are not on this machine.
        InvalidInput: One is a pickle, damaged, of another family, or not for this task.
        CartooneditError: The device has too little memory.
    """
    settings, lines = (None if each is None else str(each) for each in (config, controlnet))
    what = (str(model), task, device, dtype, offload, settings, lines)
    if what not in _kept:
        forget_pipelines()  # first: two would not fit next to each other on most devices
        _kept[what] = _load(*what)
    use_scheduler(_kept[what], next(iter(SCHEDULERS)))
    return _kept[what]


_kept: dict[tuple[str, Task, str, str, str, str | None, str | None], Any] = {}


def forget_pipelines() -> None:
    """Let go of the pipeline that is kept, and of its memory."""
    networks = [weakref.ref(pipeline.unet) for pipeline in _kept.values()]
    _kept.clear()
    if any(network() is not None for network in networks):
        gc.collect()  # the hooks of offloaded networks refer to each other


def family_of_model(model: str | Path) -> Family:
    """The family of a model on this machine, which is not loaded.

    Raises:
        ModelNotFound: It is not on this machine.
        InvalidInput: It is a pickle, or of another family.
    """
    return _describe(locate(str(model), _INDEX))[0]


def find_settings(family: Family, config: str | Path | None = None) -> Path:
    """The folder with the settings and tokenizers that a single file of weights needs.

    Args:
        family: Of the file.
        config: The folder, if one was given; None looks into the local cache.

    Raises:
        ModelNotFound: They are not on this machine.
    """
    if config is not None:
        return Path(config).expanduser()
    for name in _CONFIGS[family]:
        if hub.is_here(name):
            return hub.path(name)
    raise ModelNotFound(
        "a single .safetensors file needs the settings and tokenizer of its family. Fetch them"
        f" with: cartoonedit models fetch {_CONFIGS[family][0]}. Or give a folder of such a model"
        " as config."
    )


def family_of(pipeline: Any) -> Family:
    """The family of a loaded pipeline."""
    return "sdxl" if "XL" in type(pipeline).__name__ else "sd15"


def _load(
    model: str,
    task: Task,
    device: str,
    dtype: str,
    offload: str,
    config: str | None,
    controlnet: str | None,
) -> Any:
    from cartoonedit.runtime import pick_device, pick_dtype

    where = locate(model, _INDEX)
    _, channels = _describe(where)
    if task == IMG2IMG and channels != 4:
        raise InvalidInput(
            f"{model} was made to fill holes, so it cannot paint a picture anew. Take a plain"
            " checkpoint of the same family."
        )
    if controlnet is not None and task != IMG2IMG:
        raise InvalidInput("there is no ControlNet for filling holes; it is for IMG2IMG alone.")
    lines = None if controlnet is None else locate(controlnet, _CONTROLNET_INDEX)
    chosen = pick_device(device)
    kind = pick_dtype(chosen, dtype)
    _silence_bars()
    with explain_memory():
        if where.is_dir():
            pipeline = _from_folder(model, where, task, kind)
        else:
            pipeline = _from_file(where, task, kind, config)
        _check_tokenizers(where, pipeline)
        if task == IMG2IMG:
            _widen_vae(pipeline)
        if lines is not None:
            pipeline = add_controlnet(pipeline, lines, kind)
        place(pipeline, chosen, offload)
    pipeline.set_progress_bar_config(disable=True)
    logger.info("%s: %s, offload=%s", model, type(pipeline).__name__, offload)
    return pipeline


_NETWORKS = ("unet", "vae", "text_encoder", "text_encoder_2")
"""Parts of a pipeline that have weights, those that are left out aside."""

_INDEX, _CONTROLNET_INDEX = "model_index.json", "config.json"


def _describe(where: Path) -> tuple[Family, int]:
    """The family of a model, and its UNet's number of input channels."""
    if not where.is_dir():
        checkpoint = inspect_file(where)
        return checkpoint.family, checkpoint.channels
    family = _family_of_folder(where)
    settings = where / "unet" / "config.json"
    if not settings.is_file():
        raise ModelNotFound(f"the diffusion model in {where} is not whole: it lacks {settings}.")
    return family, int(read_settings(settings).get("in_channels", 4))


def _from_folder(model: str, folder: Path, task: Task, dtype: Any) -> Any:
    import diffusers

    family = _family_of_folder(folder)
    try:
        with explain_damage(f"the model in {folder}"):
            return getattr(diffusers, getattr(task, family)).from_pretrained(
                str(folder),
                local_files_only=True,
                use_safetensors=True,
                variant=variant_in(*(folder / part for part in _NETWORKS)),
                **dtype_argument(dtype),
                **_LEFT_OUT[family],
            )
    except OSError as error:
        refuse_pickles_in(*(folder / part for part in _NETWORKS))
        if Path(model).expanduser().exists():
            raise ModelNotFound(f"the diffusion model in {folder} is not whole: {error}") from error
        repo = hub.CATALOGUE[model].repo if model in hub.CATALOGUE else model
        raise ModelNotFound(missing(repo, "a part of it")) from error


def _family_of_folder(folder: Path) -> Family:
    index = folder / "model_index.json"
    if not index.is_file():
        raise ModelNotFound(
            f"{folder} holds no model_index.json, so it is no model in diffusers' form. Give the"
            " folder that holds it, or a single .safetensors file."
        )
    name = read_settings(index).get("_class_name", "")
    match = _PIPELINE_CLASS.fullmatch(name)
    if not match:
        raise InvalidInput(
            f"{folder} is a {name or 'model without a class'}; only models of the SD 1.5 and SDXL"
            " families can be used."
        )
    return "sdxl" if match[1] else "sd15"


def _from_file(file: Path, task: Task, dtype: Any, config: str | None) -> Any:
    import diffusers

    checkpoint = inspect_file(file)
    family = checkpoint.family
    settings = find_settings(family, config)
    if _family_of_folder(settings) != family:
        raise InvalidInput(
            f"{file} is a checkpoint of another family than the settings in {settings}."
        )
    pipeline_class = getattr(diffusers, getattr(task, family))
    return read_pipeline(checkpoint, pipeline_class, settings, dtype, **_LEFT_OUT[family])


def _check_tokenizers(where: Path, pipeline: Any) -> None:
    """Refuse tokenizers without their words, which transformers makes of a missing file."""
    for end in ("", "_2"):
        encoder = getattr(pipeline, f"text_encoder{end}", None)
        if encoder is None:
            continue
        known, wanted = len(getattr(pipeline, f"tokenizer{end}")), encoder.config.vocab_size
        if not wanted - 64 < known <= wanted:
            raise ModelNotFound(
                f"tokenizer{end} of {where} is not whole: it knows {known} tokens, but the text"
                f" encoder {wanted}. Fetch it again."
            )


def _widen_vae(pipeline: Any) -> None:
    """Keep a VAE in float32 that would overflow in half precision, as SDXL's does."""
    import torch

    vae = pipeline.vae
    if vae.dtype == torch.float16 and vae.config.get("force_upcast", False):
        torch.nn.Module.to(vae, dtype=torch.float32)  # that of diffusers warns of it


def _silence_bars() -> None:
    """Work is reported through our own callback; a second bar would garble the first."""
    import diffusers
    import transformers

    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()
