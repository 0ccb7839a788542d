"""Rebuilds the parity fixtures' networks and pictures from names and ranges.

The recorded outputs of the reference code come with a recipe instead of with hundreds of megabytes
of weights: every tensor is drawn from a generator that is seeded with the checksum of its own name.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray


def _generator(name: str) -> np.random.RandomState:
    return np.random.RandomState(zlib.crc32(name.encode()))


def recipe_weights(keys_json: Path, bnstats: Path) -> dict[str, torch.Tensor]:
    """The state dict that the reference outputs were recorded with.

    Args:
        keys_json: `keys/<net>.json`: name, shape, dtype and rule of each tensor, in state-dict
            order.
        bnstats: `bnstats_<net>.npz`: the batch norms' running statistics.

    Returns:
        All tensors, aliases written out as the same tensor object.
    """
    state: dict[str, torch.Tensor] = {}
    with np.load(bnstats) as stored:
        for entry in json.loads(Path(keys_json).read_text()):
            name, shape = entry["name"], tuple(entry["shape"])
            if "alias_of" in entry:
                state[name] = state[entry["alias_of"]]
                continue
            if entry.get("stored"):
                values = stored[name]
            elif "const" in entry:
                values = np.full(shape, entry["const"])
            else:
                draws = _generator(name).random_sample(int(np.prod(shape)))
                values = (entry["lo"] + (entry["hi"] - entry["lo"]) * draws).reshape(shape)
            state[name] = torch.from_numpy(np.asarray(values, dtype=entry["dtype"]))
    return state


def recipe_image(name: str, height: int, width: int, channels: int = 3) -> NDArray[np.uint8]:
    """A reproducible uint8 picture: three block noises and six ellipses."""
    rng = _generator(name)
    picture = np.zeros((height, width, channels), np.int64)
    for block, weight in ((61, 5), (17, 3), (5, 2)):
        cells = rng.randint(0, 256, (-(-height // block), -(-width // block), channels))
        blocks = cells.repeat(block, axis=0).repeat(block, axis=1)[:height, :width]
        picture += weight * blocks
    picture //= 10
    rows, columns = np.ogrid[:height, :width]
    for _ in range(6):
        cy, cx = rng.randint(0, height), rng.randint(0, width)
        ry = rng.randint(height // 12 + 2, height // 3 + 3)
        rx = rng.randint(width // 12 + 2, width // 3 + 3)
        colour = rng.randint(0, 256, channels)
        inside = (rows - cy) ** 2 * rx**2 + (columns - cx) ** 2 * ry**2 < rx**2 * ry**2
        picture[inside] = (picture[inside] + 3 * colour) // 4
    return picture.astype(np.uint8)
