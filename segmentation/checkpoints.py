"""Reads weights of any origin, and never runs what is inside a file.

Understood are safetensors, plain torch state dicts, mmengine checkpoints (`state_dict` beside a
`meta` and a `message_hub` full of foreign classes) and Lightning checkpoints; neither mmengine nor
Lightning is needed. Torch's zip files are read as data by `torch_zip`, its older format by
`torch.load(weights_only=True)`.
"""

from __future__ import annotations

import ast
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cartoonedit.errors import InvalidInput, ModelNotFound
from segmentation.isnet import ISNet
from segmentation.rtmdet import SIZES
from segmentation.torch_zip import TorchZip

__all__ = ["CheckpointMeta", "load_into", "load_state_dict", "read_meta"]

logger = logging.getLogger(__name__)

_STATE_KEYS = ("state_dict", "model")
_COUNTER = "num_batches_tracked"


def load_state_dict(path: str | Path, *, part: str = "net") -> dict[str, Tensor]:
    """The weights in a file.

    Args:
        path: A `.safetensors`, `.ckpt`, `.pth`, `.pt` or `.bin` file; its content decides, not its
            name.
        part: Which module of a Lightning checkpoint is wanted; its prefix is taken off the names
            (`net.stage1...` becomes `stage1...`). Files without such a prefix are taken whole.

    Returns:
        Tensors on the CPU by name.

    Raises:
        ModelNotFound: There is no such file.
        InvalidInput: It is no checkpoint, is damaged, or holds something other than tensors.
    """
    path = _existing(path)
    kind = _kind(path)
    if kind == "safetensors":
        return _select(_safetensors(path), part)
    if kind == "legacy":
        return _select(_tensors_only(_state_of(_load_legacy(path), path), path), part)
    with TorchZip(path) as archive:
        stored = _state_of(archive.content, path)
        return _select({name: archive.tensor(name, value) for name, value in stored.items()}, part)


def _existing(path: str | Path) -> Path:
    path = Path(path).expanduser()
    if not path.is_file():
        raise ModelNotFound(f"there is no weights file {str(path)!r}.")
    return path


def _kind(path: Path) -> str:
    """What a file is by its first bytes: `zip` or `legacy` (both torch), or `safetensors`."""
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    if head.startswith(b"\x80"):
        return "legacy"
    if len(head) > 8 and head[8:9] == b"{":
        return "safetensors"
    raise InvalidInput(
        f"{str(path)!r} is no checkpoint. Give a safetensors file, or what torch.save,"
        " mmengine or Lightning wrote."
    )


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, ValueError) as error:
        raise InvalidInput(f"{str(path)!r} is a damaged safetensors file: {error}.") from error


def _load_legacy(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever its parser stumbles over
        raise InvalidInput(
            f"{str(path)!r} is in torch's format from before 2020 and either damaged or holds more"
            " than tensors, which is not read from that format. Save its state dict again with a"
            " current torch, or convert it to safetensors."
        ) from error


def _state_of(content: Any, path: Path) -> Mapping[str, Any]:
    """The name-to-tensor mapping inside what a checkpoint holds."""
    for key in _STATE_KEYS:
        if isinstance(content, dict) and key in content:
            content = content[key]
    if not isinstance(content, dict) or not content or not all(isinstance(k, str) for k in content):
        raise InvalidInput(
            f"{str(path)!r} holds no state dict (a dict of named tensors, at its top or under"
            f" {' or '.join(_STATE_KEYS)})."
        )
    return content


def _tensors_only(state: Mapping[str, Any], path: Path) -> dict[str, Tensor]:
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise InvalidInput(f"{name!r} in {str(path)!r} is no tensor.")
    return dict(state)


def _select(state: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    """Without the prefix that Lightning (a module's name) or data parallelism (`module.`) adds."""
    for prefix in (f"{part}.", "module."):
        if any(name.startswith(prefix) for name in state):
            state = {
                name.removeprefix(prefix): tensor
                for name, tensor in state.items()
                if name.startswith(prefix)
            }
    return state


@dataclass(frozen=True)
class CheckpointMeta:
    """What a file says about itself; fields are None where it says nothing.

    Attributes:
        metadata: The text entries of a safetensors file.
        config_text: The training configuration in an mmengine checkpoint, Python source.
        input_size_wh: Detector input in pixels.
        mean, std: Normalisation per channel, in the network's channel order, on a scale of 0..255.
        score_threshold, nms_iou, mask_threshold, max_instances: Test settings.
    """

    metadata: dict[str, str] = field(default_factory=dict)
    config_text: str | None = None
    input_size_wh: tuple[int, int] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    score_threshold: float | None = None
    nms_iou: float | None = None
    mask_threshold: float | None = None
    max_instances: int | None = None


def read_meta(path: str | Path) -> CheckpointMeta:
    """What a weights file says about the network's input and test settings.

    The configuration text of an mmengine checkpoint is parsed, not executed.

    Raises:
        ModelNotFound: There is no such file.
        InvalidInput: It is no checkpoint, or is damaged.
    """
    path = _existing(path)
    kind = _kind(path)
    if kind == "safetensors":
        return CheckpointMeta(metadata=_safetensors_metadata(path))
    if kind == "legacy":
        return CheckpointMeta()
    with TorchZip(path) as archive:
        content = archive.content
    meta = content.get("meta") if isinstance(content, dict) else None
    text = meta.get("cfg") if isinstance(meta, dict) else None
    return _parse_config(text) if isinstance(text, str) else CheckpointMeta()


def _safetensors_metadata(path: Path) -> dict[str, str]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            return dict(file.metadata() or {})
    except SafetensorError as error:
        raise InvalidInput(f"{str(path)!r} is a damaged safetensors file: {error}.") from error


def _parse_config(text: str) -> CheckpointMeta:
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        logger.warning("the configuration inside the checkpoint is no Python source; not used")
        return CheckpointMeta(config_text=text)
    values = {
        statement.targets[0].id: _plain(statement.value)
        for statement in statements
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }
    model = values.get("model")
    return CheckpointMeta(
        config_text=text,
        input_size_wh=_numbers(_test_scale(values.get("test_pipeline")), 2, int),
        mean=_numbers(_dig(model, "data_preprocessor", "mean"), 3),
        std=_numbers(_dig(model, "data_preprocessor", "std"), 3),
        score_threshold=_number(_dig(model, "test_cfg", "score_thr")),
        nms_iou=_number(_dig(model, "test_cfg", "nms", "iou_threshold")),
        mask_threshold=_number(_dig(model, "test_cfg", "mask_thr_binary")),
        max_instances=_number(_dig(model, "test_cfg", "max_per_img"), int),
    )


def _plain(node: ast.expr) -> Any:
    """The value of an expression of literals and `dict(...)`; None where it is anything else."""
    match node:
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=keywords):
            return {k.arg: _plain(k.value) for k in keywords if k.arg}
        case ast.Dict(keys=keys, values=values):
            return {_plain(k): _plain(v) for k, v in zip(keys, values, strict=True)
                    if isinstance(k, ast.Constant)}  # fmt: skip
        case ast.List(elts=elements):
            return [_plain(element) for element in elements]
        case ast.Tuple(elts=elements):
            return tuple(_plain(element) for element in elements)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.Constant(value=value):
            return value
    return None


def _dig(values: Any, *keys: str) -> Any:
    for key in keys:
        values = values.get(key) if isinstance(values, dict) else None
    return values


def _test_scale(pipeline: Any) -> Any:
    steps = pipeline if isinstance(pipeline, list) else []
    resizes = (step for step in steps if _dig(step, "type") == "Resize")
    return _dig(next(resizes, None), "scale")


def _number(value: Any, kind: type = float) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return kind(value) if is_number and math.isfinite(value) else None


def _numbers(values: Any, count: int, kind: type = float) -> Any:
    if not isinstance(values, list | tuple) or len(values) != count:
        return None
    numbers = tuple(_number(value, kind) for value in values)
    return None if None in numbers else numbers


def load_into(net: nn.Module, state: Mapping[str, Tensor], *, strict: bool = True) -> list[str]:
    """Put weights into a network, or say exactly why they do not fit.

    Names that the network holds twice for one tensor (RTMDet's `reg_convs` is its `cls_convs`) may
    be given once, and the norms' batch counters, which change no result, not at all.

    Args:
        net: Any network.
        state: Tensors by name; values are converted to the network's dtype.
        strict: Refuse on any difference. Otherwise what fits is loaded.

    Returns:
        The names that were not loaded or not given, empty if strict.

    Raises:
        InvalidInput: Strict, and names or shapes differ.
    """
    own = net.state_dict(keep_vars=True)
    first_name: dict[int, str] = {}
    for name, tensor in own.items():
        if name in state:
            first_name.setdefault(id(tensor), name)
    missing = [
        name
        for name, tensor in own.items()
        if id(tensor) not in first_name and not name.endswith(_COUNTER)
    ]
    unexpected = [name for name in state if name not in own]
    misshapen = [n for n in own if n in state and state[n].shape != own[n].shape]
    for name, tensor in own.items():
        first = first_name.get(id(tensor), name)
        if name in state and first != name and not torch.equal(state[name], state[first]):
            raise InvalidInput(
                f"these weights give {first} and {name} different values, but they are one and the"
                f" same tensor in {type(net).__name__}."
            )
    if strict and (missing or unexpected or misshapen):
        raise InvalidInput(_difference(net, own, state, missing, unexpected, misshapen))
    fitting = {n: t for n, t in state.items() if n in own and n not in misshapen}
    net.load_state_dict(fitting, strict=False)
    left_out = missing + unexpected + misshapen
    if left_out:
        logger.warning("%d names of the weights do not fit, first %s", len(left_out), left_out[0])
    return left_out


def _difference(
    net: nn.Module,
    own: Mapping[str, Tensor],
    state: Mapping[str, Tensor],
    missing: list[str],
    unexpected: list[str],
    misshapen: list[str],
) -> str:
    parts = []
    if missing:
        parts.append(f"{len(missing)} names are missing, first {', '.join(missing[:3])}")
    if unexpected:
        parts.append(f"{len(unexpected)} are unexpected, first {', '.join(unexpected[:3])}")
    if misshapen:
        name = misshapen[0]
        parts.append(
            f"{len(misshapen)} have another shape, first {name}: {tuple(state[name].shape)} in the"
            f" file, {tuple(own[name].shape)} in the network"
        )
    looks_like = likely_network(state)
    hint = f" The file looks like {looks_like}." if looks_like else ""
    return f"these weights do not fit {type(net).__name__}: {'; '.join(parts)}.{hint}"


def likely_network(state: Mapping[str, Tensor]) -> str | None:
    """In words, which network of this package some weights belong to; None if to no known one."""
    size = detector_size(state)
    if size is not None:
        return f"RTMDet-Ins {size}"
    shape = refiner_shape(state)
    if shape is not None:
        return f"IS-Net with {shape[0]} input channels, width {shape[1]:g}"
    return None


def detector_size(state: Mapping[str, Tensor]) -> str | None:
    """The name in `rtmdet.SIZES` that a detector's weights belong to; None if to none."""
    stem = state.get("backbone.stem.0.conv.weight")
    if stem is None or not stem.ndim:
        return None
    widths = {size.width(64) // 2: name for name, size in SIZES.items()}
    return widths.get(len(stem))


def refiner_shape(state: Mapping[str, Tensor]) -> tuple[int, float] | None:
    """Input channels and width of an `ISNet` by its weights; None if they are of none."""
    stem = state.get("conv_in.weight")
    if stem is None or stem.ndim != 4:
        return None
    return stem.shape[1], len(stem) / ISNet.STEM_CHANNELS
