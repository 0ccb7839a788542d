"""Taggers as timm publishes networks: ``model.safetensors`` with a ``config.json``."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput, ModelNotFound
from cartoonedit.tagger.square import on_square

__all__ = ["TimmNetwork"]

logger = logging.getLogger(__name__)

_CONFIG = "config.json"


class TimmNetwork:
    """A tagger of timm, such as ``SmilingWolf/wd-swinv2-tagger-v3``.

    Args:
        weights: Its ``.safetensors`` file; ``config.json`` lies beside it.
        device: As for :func:`cartoonedit.runtime.pick_device`.

    Raises:
        ModelNotFound: There is no ``config.json``.
        InvalidInput: The two files do not make a network, or there is no such device.
        CartooneditError: The device has too little memory.
    """

    def __init__(self, weights: Path, device: str) -> None:
        from timm.data import create_transform, resolve_data_config

        from cartoonedit.diffusion.memory import explain_memory
        from cartoonedit.runtime import pick_device

        self._device = pick_device(device)
        config = _read_config(weights.with_name(_CONFIG))
        with _explained(weights):
            network = _build(config, weights)
            self._transform = create_transform(
                **resolve_data_config(pretrained_cfg=config["pretrained_cfg"], model=network)
            )
        with explain_memory():
            self._network = network.to(self._device).eval()
        logger.info("tagger %s: %s on %s", weights, config["architecture"], self._device)

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The score of every tag, 0..1, for an RGB or RGBA picture."""
        import torch

        from cartoonedit.diffusion.memory import explain_memory

        shown = self._transform(on_square(image))
        with torch.inference_mode(), explain_memory():
            # Only blue, green, red is not said in config.json: these networks were trained so.
            logits = self._network(shown[None, [2, 1, 0]].to(self._device))
        # Apple GPUs have no double precision.
        return logits[0].float().cpu().double().sigmoid().numpy()


def _read_config(file: Path) -> dict[str, Any]:
    """What timm writes beside the weights, checked as far as it is used here."""
    if not file.is_file():
        raise ModelNotFound(
            f"the tagger in {file.parent} lacks {_CONFIG}, which says what network it is. Download"
            " all files of its repository."
        )
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{file} is not valid JSON: {error}.") from error
    if isinstance(config, dict):
        config.setdefault("model_args", {})
    kinds = {"architecture": str, "num_classes": int, "pretrained_cfg": dict, "model_args": dict}
    for key, kind in kinds.items():
        if not isinstance(config, dict) or not isinstance(config.get(key), kind):
            raise InvalidInput(
                f"{file} does not describe a network of timm: {key!r} ({kind.__name__}) is needed."
            )
    return config


@contextmanager
def _explained(weights: Path) -> Iterator[None]:
    """Tell in a sentence what timm says about files that do not belong together."""
    from safetensors import SafetensorError

    try:
        yield
    except InvalidInput:  # a ValueError that says what there is to say
        raise
    except (TypeError, ValueError, KeyError, AttributeError, RuntimeError, AssertionError,
            SafetensorError) as error:  # fmt: skip
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvalidInput(
            f"{weights} and its {_CONFIG} do not make a network of timm: {reason}"
        ) from error


def _build(config: dict[str, Any], weights: Path) -> Any:
    """The network that a configuration describes, with its weights; nothing is downloaded."""
    import timm
    from safetensors.torch import load_file

    name, classes = config["architecture"], config["num_classes"]
    if not timm.is_model(name):  # nor is it taken from elsewhere, as hf-hub:owner/name would be
        raise InvalidInput(
            f"{weights.with_name(_CONFIG)} names the architecture {name!r}, which the installed"
            " timm does not have. Update it with: pip install -U timm."
        )
    own: dict[str, Any] = {
        "num_classes": classes,
        "pretrained_cfg": {**config["pretrained_cfg"], "num_classes": classes},
        "pretrained": False,
        "checkpoint_path": None,
    }
    network = timm.create_model(name, **(config["model_args"] | own))
    found = network.load_state_dict(load_file(weights), strict=False)
    if found.missing_keys:
        raise InvalidInput(
            f"{weights} is not of the architecture {name!r}: {len(found.missing_keys)} tensors are"
            f" missing, such as {found.missing_keys[0]!r}."
        )
    # Some versions of timm store tables that others compute.
    logger.debug("%s: not used: %s", weights, found.unexpected_keys)
    return network
