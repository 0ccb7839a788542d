"""Endless scenes as training examples for the two stages.

Example number i of a run is a pure function of (material, seed, i), so a resumed run goes on
exactly where it stopped, and the number of workers changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from cartoonedit.errors import InvalidInput
from segmentation.dataset.coarse import coarse_like
from segmentation.dataset.compose import Labelled
from segmentation.dataset.proposals import Box, DetectorProposals, proposal_for
from segmentation.dataset.scenes import Scenes
from segmentation.losses import Targets
from segmentation.preprocess import PAD_VALUE
from segmentation.refine import bounds_xyxy, with_box

PROPOSED = 0.85
"""Share of the scenes whose rough masks a detector draws, if there is one."""

BOXED = 0.2
"""Share of the rough masks that are a box around the character, as a person draws one."""

CROPS = 3
"""At most so many characters of one scene: composing and detecting cost more than cutting."""

RETRY = 2**40
"""Added to the number of a scene that shows nobody, until one shows somebody."""

SCENES_TRIED = 50
"""So many scenes in a row without a character are no accident."""

MIN_PIXELS = 25
"""Smaller visible parts are nobody's target."""


class DetectorExamples(Dataset[tuple[Tensor, Targets]]):
    """Letterboxed scenes with boxes and masks.

    Args:
        scenes: where they come from.
        seed: of the run.
        batch: examples ``i`` of one batch share their size.
        sizes: input sides to choose from, multiples of 32.
    """

    def __init__(self, scenes: Scenes, *, seed: int, batch: int, sizes: Sequence[int]) -> None:
        self.scenes, self.seed, self.batch, self.sizes = scenes, seed, batch, tuple(sizes)

    def __getitem__(self, index: int) -> tuple[Tensor, Targets]:
        """A BGR uint8 picture ``(3, S, S)`` and its characters."""
        size = _size_of_batch(self.seed, index // self.batch, self.sizes)
        sample = self.scenes(index, size)
        height, width = sample.picture.shape[:2]
        padding = ((0, size - height), (0, size - width))
        picture = np.pad(sample.picture, (*padding, (0, 0)), constant_values=PAD_VALUE)
        masks = np.pad(sample.alphas > 127, ((0, 0), *padding))
        masks = masks[masks.sum((1, 2)) >= MIN_PIXELS]
        boxes = np.array([_box(mask) for mask in masks], np.float32).reshape(-1, 4)
        bgr = np.ascontiguousarray(picture[..., ::-1].transpose(2, 0, 1))
        return torch.from_numpy(bgr), Targets(
            torch.from_numpy(boxes), torch.from_numpy(masks.astype(np.uint8))
        )


def _size_of_batch(seed: int, batch: int, sizes: Sequence[int]) -> int:
    return int(np.random.default_rng((seed, batch, 1)).choice(sizes))


def _box(mask: npt.NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Xyxy of a mask that is not empty."""
    return bounds_xyxy(mask) or (0, 0, 0, 0)


def collate_detector(examples: list[tuple[Tensor, Targets]]) -> tuple[Tensor, list[Targets]]:
    """Stack pictures ``(N, 3, S, S)`` and list their targets."""
    pictures, targets = zip(*examples, strict=True)
    return torch.stack(pictures), list(targets)


class RefinerExamples(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Characters of scenes, each with a rough mask to start from and the true alpha.

    Args:
        scenes: where they come from.
        seed: of the run.
        batch: examples ``i`` of one batch share their size.
        sizes: sides of the pictures to choose from.
        canvas: longer side of the scenes.
        whole: share of the examples that show all of their scene, not a crop around a character.
        box_hint: `RefineSettings.box_hint` of what is trained.
        soft_rough: `RefineSettings.soft_rough` of what is trained.
        proposals: draws most of the rough masks from the scene; without it, all are spoilt truths.
    """

    def __init__(
        self,
        scenes: Scenes,
        *,
        seed: int,
        batch: int,
        sizes: Sequence[int],
        canvas: int = 512,
        whole: float = 0.0,
        box_hint: float = 0.1,
        soft_rough: bool = True,
        proposals: DetectorProposals | None = None,
    ) -> None:
        self.scenes, self.seed, self.batch, self.sizes = scenes, seed, batch, tuple(sizes)
        self.canvas, self.whole = canvas, whole
        self.box_hint, self.soft_rough = box_hint, soft_rough
        self.proposals = proposals

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        """BGR ``(k, 3, S, S)``, rough masks with their boxes and alphas ``(k, 1, S, S)``, uint8."""
        size = _size_of_batch(self.seed, index // self.batch, self.sizes)
        rng = np.random.default_rng((self.seed, index, 3))
        sample = self._scene(index)
        whole = bool(self.whole) and rng.random() < self.whole
        roughs = self._roughs(sample, rng)
        crops = [self._crop(sample, rough, rng, size, whole) for rough in roughs]
        pictures, channels, alphas = (np.stack(parts) for parts in zip(*crops, strict=True))
        bgr = np.ascontiguousarray(pictures[..., ::-1].transpose(0, 3, 1, 2))
        return (
            torch.from_numpy(bgr),
            torch.from_numpy(channels)[:, None],
            torch.from_numpy(alphas)[:, None],
        )

    def _scene(self, index: int) -> Labelled:
        """A scene that shows somebody."""
        for attempt in range(SCENES_TRIED):
            sample = self.scenes(index + attempt * RETRY, self.canvas)
            seen = (sample.alphas > 127).sum((1, 2)) >= MIN_PIXELS
            if seen.any():
                return Labelled(sample.picture, sample.alphas[seen])
        raise InvalidInput(
            f"{SCENES_TRIED} pictures in a row show no character: there is nothing to learn from."
        )

    def _roughs(self, sample: Labelled, rng: np.random.Generator) -> Iterator[_RoughMask]:
        """Rough masks of up to `CROPS` random characters."""
        found = None
        if self.proposals is not None and rng.random() < PROPOSED:
            found = self.proposals(sample.picture, rng)
        truths = sample.alphas > 127
        boxes = [_box(truth) for truth in truths]
        for chosen in rng.permutation(len(truths))[:CROPS].tolist():
            proposal = proposal_for(chosen, boxes, found, rng) if found else None
            if rng.random() < BOXED:
                box = _about(boxes[chosen], rng)
                proposal = _filled(box, truths[chosen].shape), box
            if proposal is None:
                others = np.delete(truths, chosen, axis=0)
                rough = coarse_like(truths[chosen], others, rng)
                proposal = rough * np.uint8(255), _about(boxes[chosen], rng)
            yield _RoughMask(chosen, *proposal)

    def _crop(
        self, sample: Labelled, rough: _RoughMask, rng: np.random.Generator, size: int, whole: bool
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """Around one character: picture, rough mask and box, alpha, each ``size`` squared."""
        if whole:
            matrix = np.eye(2, 3) * (size / max(sample.picture.shape[:2]))
        else:
            matrix = _window(rough.box, rng, size)

        def crop(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
            cropped = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR)
            return cropped.astype(np.uint8)

        shown = crop(rough.mask)
        mask = shown / np.float32(255) if self.soft_rough else shown > 127
        x0, y0, x1, y1 = np.asarray(rough.box) * matrix[0, 0] + np.tile(matrix[:, 2], 2)
        channel = with_box(mask.astype(np.float32), (x0, y0, x1, y1), self.box_hint) * 255
        return crop(sample.picture), channel.astype(np.uint8), crop(sample.alphas[rough.of])


class _RoughMask(NamedTuple):
    """A rough mask of character number ``of``, and the box that its crop is made around."""

    of: int
    mask: npt.NDArray[np.uint8]
    box: Box


def collate_refiner(
    examples: list[tuple[Tensor, Tensor, Tensor]],
) -> tuple[Tensor, Tensor, Tensor]:
    """The crops of several scenes in one batch ``(N, ., S, S)``; N varies."""
    pictures, roughs, alphas = (torch.cat(parts) for parts in zip(*examples, strict=True))
    return pictures, roughs, alphas


def _about(box: tuple[int, int, int, int], rng: np.random.Generator) -> Box:
    """A box whose sides are off by a few percent."""
    x0, y0, x1, y1 = box
    width, height = x1 - x0, y1 - y0
    off = rng.normal(0, 0.03, 4) * (width, height, width, height)
    return x0 + off[0], y0 + off[1], x1 + off[2], y1 + off[3]


def _filled(box: Box, shape_hw: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """All of a box as a rough mask."""
    return (with_box(np.zeros(shape_hw, np.float32), box, 1) * 255).astype(np.uint8)


def _window(box: Box, rng: np.random.Generator, size: int) -> npt.NDArray[np.float64]:
    """The affine map of a square around a box, with some room, to a square of side ``size``."""
    x0, y0, x1, y1 = box
    side = max(x1 - x0, y1 - y0, 4) * (1 + 2 * rng.uniform(0.1, 0.3))
    centre_x = (x0 + x1) / 2 + rng.normal(0, 0.02) * side
    centre_y = (y0 + y1) / 2 + rng.normal(0, 0.02) * side
    scale = size / side
    return np.array(
        [[scale, 0, size / 2 - centre_x * scale], [0, scale, size / 2 - centre_y * scale]]
    )
