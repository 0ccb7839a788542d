"""Checkpoints in a single file, with the names of the original code, as artists share them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cartoonedit.diffusion.weights import dtype_argument, explain_damage, quiet_casts
from cartoonedit.errors import InvalidInput, ModelNotFound
from cartoonedit.weights import open_safetensors

__all__ = ["Checkpoint", "inspect_file", "read_pipeline"]

_UNET = "model.diffusion_model.input_blocks.0.0.weight"
_VAE = "first_stage_model."
_TEXT = {"sd15": "cond_stage_model.transformer.", "sdxl": "conditioner.embedders.0."}
_OLD_TEXT = "cond_stage_model.transformer.embeddings.token_embedding.weight"


@dataclass(frozen=True)
class Checkpoint:
    """What a single file of weights is.

    Attributes:
        file: Where it is.
        family: ``sd15`` or ``sdxl``.
        channels: Its UNet's number of input channels.
        predicts_velocity: Its UNet says the velocity rather than the noise, as the file's marks
            tell.
        ends_in_noise: It was trained with a schedule whose last step is nothing but noise.
        has_old_names: Its text encoder is named as by old versions of transformers.
    """

    file: Path
    family: Literal["sd15", "sdxl"]
    channels: int
    predicts_velocity: bool = False
    ends_in_noise: bool = False
    has_old_names: bool = False


def inspect_file(file: Path) -> Checkpoint:
    """Find out what a file is, without reading its weights.

    Raises:
        InvalidInput: It is damaged, of another family, or lacks a part.
    """
    with open_safetensors(file) as weights:
        names = set(weights.keys())
        channels = weights.get_slice(_UNET).get_shape()[1] if _UNET in names else 0

    def has(top: str) -> bool:
        return any(name.startswith(top) for name in names)

    family = next((family for family, top in _TEXT.items() if has(top)), None)
    if family is None or channels not in (4, 9):
        raise InvalidInput(
            f"{file} is no checkpoint of the SD 1.5 or SDXL family with a UNet of 4 or 9 input"
            " channels, VAE and text encoder in one file."
        )
    if not has(_VAE):
        raise InvalidInput(
            f"{file} holds no VAE, without which latents cannot be seen. Take the release of this"
            " model that has the VAE baked in."
        )
    return Checkpoint(
        file,
        "sdxl" if family == "sdxl" else "sd15",
        channels,
        predicts_velocity="v_pred" in names,
        ends_in_noise="ztsnr" in names,
        has_old_names=_OLD_TEXT in names,
    )


def read_pipeline(
    checkpoint: Checkpoint, pipeline_class: Any, settings: Path, dtype: Any, **parts: Any
) -> Any:
    """Read a pipeline from a file.

    Args:
        checkpoint: What it is.
        pipeline_class: Of diffusers.
        settings: A folder in diffusers' form, with the settings and tokenizers of its family.
        dtype: Of the weights.
        **parts: Of the pipeline, that are not to be read from the file.

    Raises:
        ModelNotFound: The settings are not whole.
        InvalidInput: It is damaged, or the settings do not fit it.
    """
    import diffusers

    file = str(checkpoint.file)
    options = {"config": str(settings), "local_files_only": True, **dtype_argument(dtype)}
    try:
        with quiet_casts(), explain_damage(f"the model {file}, or its settings in {settings},"):
            # The settings may be those of a UNet with another number of inputs.
            parts["unet"] = diffusers.UNet2DConditionModel.from_single_file(
                file, subfolder="unet", in_channels=checkpoint.channels, **options
            )
            if checkpoint.has_old_names:
                parts["text_encoder"] = _old_text_encoder(checkpoint.file, settings, dtype)
            pipeline = pipeline_class.from_single_file(file, **options, **parts)
    except OSError as error:
        raise ModelNotFound(f"the settings in {settings} are not whole: {error}") from error
    _check_whole(checkpoint.file, pipeline)
    if checkpoint.predicts_velocity:
        pipeline.scheduler = pipeline.scheduler.from_config(
            pipeline.scheduler.config,
            prediction_type="v_prediction",
            rescale_betas_zero_snr=checkpoint.ends_in_noise,
        )
    return pipeline


def _old_text_encoder(file: Path, settings: Path, dtype: Any) -> Any:
    """The text encoder of SD 1.5 from names that diffusers does not know."""
    from transformers import CLIPTextConfig, CLIPTextModel

    encoder = CLIPTextModel(
        CLIPTextConfig.from_pretrained(
            str(settings), subfolder="text_encoder", local_files_only=True
        )
    )
    inner = "text_model." if hasattr(encoder, "text_model") else ""
    top = _TEXT["sd15"]
    with open_safetensors(file) as weights:
        found = {
            inner + name.removeprefix(top): weights.get_tensor(name)
            for name in weights.keys()  # noqa: SIM118  # it is no dict
            if name.startswith(top) and not name.endswith("position_ids")
        }
    encoder.load_state_dict(found)
    return encoder.to(dtype).eval()


def _check_whole(file: Path, pipeline: Any) -> None:
    """Refuse a file that lacks layers of a text encoder; diffusers leaves those without values."""
    for name, part in pipeline.components.items():
        if hasattr(part, "named_parameters"):
            empty = [layer for layer, values in part.named_parameters() if values.is_meta]
            if empty:
                raise InvalidInput(f"{file} is damaged: its {name} lacks {empty[0]}.")
