"""Sheets of predictions, to see at a glance whether a network learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import nn

from cartoonedit.files import atomic_path
from cartoonedit.overlay import outline
from segmentation.dataset.loader import RefinerExamples
from segmentation.dataset.scenes import Scenes
from segmentation.detect import detect

__all__ = ["DetectorSheet", "RefinerSheet"]

Picture = npt.NDArray[np.uint8]

TRUTH, FOUND = (60, 220, 90), (240, 60, 50)
SHOWN = 8
COLUMNS = 4
TILE = 400
LINE = 1
MIN_SCORE = 0.3
FIRST = 2**41
"""Scenes from this number on are shown; none of them is learnt from."""


class DetectorSheet:
    """Scenes with truth (green) and findings (red, with scores) outlined.

    Args:
        scenes: Where they come from.
        side: Of the network's input.
    """

    def __init__(self, scenes: Scenes, side: int) -> None:
        self.scenes, self.side = scenes, side

    def __call__(self, net: nn.Module, path: Path) -> None:
        """Draw what a network finds into a PNG file."""
        device = next(net.parameters()).device
        tiles = []
        for number in range(SHOWN):
            scene = self.scenes(FIRST + number, self.side)
            found = detect(
                net, scene.picture, size=self.side, score_threshold=MIN_SCORE, device=device
            )
            tile = _fitted(scene.picture)
            scale = TILE / max(scene.picture.shape[:2])
            for masks, colour in ((scene.alphas > 127, TRUTH), (found.masks, FOUND)):
                for mask in masks:
                    outline(tile, _on_tile(mask), colour, LINE)
            corners = (found.boxes_xyxy * scale).round().astype(int)
            for (x0, y0, x1, y1), score in zip(corners.tolist(), found.scores, strict=True):
                cv2.rectangle(tile, (x0, y0), (x1, y1), FOUND, 1)
                place = (max(x0 + 2, 0), max(y0 + 12, 12))
                cv2.putText(tile, f"{score:.2f}", place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, FOUND, 1)
            tiles.append(tile)
        _save(path, tiles, COLUMNS)


class RefinerSheet:
    """Rows of picture, fourth channel, prediction and truth.

    Args:
        examples: What is learnt from.
        batch: Of the training; examples of one batch share their size.
    """

    def __init__(self, examples: RefinerExamples, batch: int) -> None:
        self.examples, self.first = examples, FIRST // batch * batch

    def __call__(self, net: nn.Module, path: Path) -> None:
        """Draw what a network makes of some rough masks into a PNG file."""
        device = next(net.parameters()).device
        tiles: list[Picture] = []
        for number in range(SHOWN // 2):
            pictures, rough, alphas = (part[:1] for part in self.examples[self.first + number])
            with torch.inference_mode():
                result: Any = net(torch.cat((pictures, rough), dim=1).to(device) / 255)
            predicted = (result[0][0][0, 0].float().sigmoid() * 255).cpu().numpy().astype(np.uint8)
            bgr = pictures[0].numpy().transpose(1, 2, 0)
            tiles.append(_fitted(np.ascontiguousarray(bgr[..., ::-1])))
            for grey in (rough[0, 0].numpy(), predicted, alphas[0, 0].numpy()):
                tiles.append(_fitted(np.repeat(grey[..., None], 3, 2)))
        _save(path, tiles, 4)


def _on_tile(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    return _fitted(mask * np.uint8(255), 0) > 127


def _fitted(image: Picture, margin: int = 32) -> Picture:
    """A picture or mask on a square tile, the margin filled with one grey."""
    scale = TILE / max(image.shape[:2])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    tile = np.full((TILE, TILE, *image.shape[2:]), margin, np.uint8)
    tile[: small.shape[0], : small.shape[1]] = small
    return tile


def _save(path: Path, tiles: list[Picture], columns: int) -> None:
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    with atomic_path(path) as partial:
        Image.fromarray(np.vstack(rows)).save(partial)
