"""How weights of diffusers and transformers are read, in all versions that are supported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["dtype_argument", "variant_in"]


def variant_in(folder: Path) -> str | None:
    """``fp16`` where only half-precision weights are there, which is what ``fetch`` gets."""
    whole = any(folder.glob("diffusion_pytorch_model.safetensors*"))
    return "fp16" if not whole and any(folder.glob("*.fp16*.safetensors")) else None


def dtype_argument(dtype: Any) -> dict[str, Any]:
    """The argument by the name that the installed diffusers has for it."""
    import diffusers
    from packaging.version import Version

    renamed = Version(diffusers.__version__) >= Version("0.40.0.dev0")
    return {"dtype" if renamed else "torch_dtype": dtype}
