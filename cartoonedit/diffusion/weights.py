"""How weights of diffusers and transformers are read, in all versions that are supported."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cartoonedit.diffusion.memory import lacks_memory
from cartoonedit.errors import CartooneditError, InvalidInput

__all__ = [
    "dtype_argument",
    "explain_damage",
    "quiet_casts",
    "read_settings",
    "reason",
    "variant_in",
]


_WHOLE = re.compile(r"(diffusion_pytorch_model|model)(-\d+-of-\d+)?\.safetensors")


def variant_in(*folders: Path) -> str | None:
    """``fp16`` where one has only half-precision weights, which is what ``fetch`` gets.

    Of the others, diffusers then takes what there is.
    """
    return "fp16" if any(map(_has_half_only, folders)) else None


def _has_half_only(folder: Path) -> bool:
    names = [file.name for file in folder.glob("*.safetensors")]
    return any(".fp16" in name for name in names) and not any(map(_WHOLE.fullmatch, names))


def dtype_argument(dtype: Any) -> dict[str, Any]:
    """The argument by the name that the installed diffusers has for it."""
    import diffusers
    from packaging.version import Version

    renamed = Version(diffusers.__version__) >= Version("0.40.0.dev0")
    return {"dtype" if renamed else "torch_dtype": dtype}


@contextmanager
def quiet_casts() -> Iterator[None]:
    """Keep diffusers from warning of its own casts, where no layer is to stay in float32."""
    log = logging.getLogger("diffusers.models.modeling_utils")
    log.addFilter(_warns_of_something)
    try:
        yield
    finally:
        log.removeFilter(_warns_of_something)


def _warns_of_something(record: logging.LogRecord) -> bool:
    return "should be kept in float32: []" not in record.getMessage()


def read_settings(file: Path) -> dict[str, Any]:
    """The settings in a ``.json`` file.

    Raises:
        InvalidInput: The file is damaged.
    """
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise InvalidInput(f"{file} is damaged: {error}. Fetch it again.") from error


@contextmanager
def explain_damage(what: str) -> Iterator[None]:
    """Say of ``what`` that it is damaged, if a library cannot read it.

    Raises:
        InvalidInput: It cannot.
    """
    try:
        yield
    except (OSError, CartooneditError):
        raise
    except Exception as error:  # its kinds differ between diffusers, transformers and tokenizers
        if lacks_memory(error):
            raise
        raise InvalidInput(f"{what} is damaged: {reason(error)}") from error


def reason(error: Exception) -> str:
    """What an error of torch or diffusers says first, in one line."""
    if "meta tensor" in str(error):
        return "layers are missing"  # what was not in the file was never given values
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line for line in lines if line and not line.startswith("Error(s) in loading")]
    return said[0] if said else type(error).__name__
