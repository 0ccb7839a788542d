"""Weights to start a training from: of this package, of the paper, or of mmdet on COCO."""

from __future__ import annotations

import logging
from pathlib import Path

from torch import nn

from cartoonedit.errors import InvalidInput
from segmentation.checkpoints import likely_network, load_into, load_state_dict

__all__ = ["load_start"]

logger = logging.getLogger(__name__)

_CLASS_HEAD = "bbox_head.rtm_cls."


def load_start(net: nn.Module, path: Path, *, part: str = "net") -> None:
    """Start from the weights in a file, whoever wrote it.

    A detector of several classes, as mmdet's of COCO with 80, keeps all but its class head: ``net``
    has a new one for its one class.

    Args:
        net: Where the weights go.
        path: safetensors, a torch state dict, or a checkpoint of mmengine or Lightning.
        part: Which module of a Lightning checkpoint is wanted.

    Raises:
        ModelNotFound: There is no such file.
        InvalidInput: It is damaged, or holds another network.
    """
    state = load_state_dict(path, part=part)
    own = net.state_dict()
    other_classes = [
        name
        for name, tensor in state.items()
        if name.startswith(_CLASS_HEAD) and name in own and tensor.shape != own[name].shape
    ]
    if other_classes:
        classes = len(state[other_classes[0]])
        logger.info("%s knows %d classes: its class head is trained anew", path, classes)
        state = {name: t for name, t in state.items() if name not in other_classes}
        state |= {name: own[name] for name in other_classes}
    try:
        load_into(net, state)
    except InvalidInput as error:
        wanted = likely_network(own) or type(net).__name__
        raise InvalidInput(f"{str(path)!r} is no start for {wanted}: {error}") from error
