"""The way in: a picture goes in, a Scene with a soft mask for every character comes out."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cartoonedit.errors import InvalidInput
from cartoonedit.images import Picture
from cartoonedit.runtime import Progress, pick_device, pick_dtype, silent
from cartoonedit.scene import Instance, Scene
from segmentation.detect import Canvas, Detections, run_network, select
from segmentation.hints import Rough, clipped, rough_from_boxes, rough_from_masks, rough_from_points
from segmentation.models import find_files, load_detector, load_refiner
from segmentation.options import SegmentOptions
from segmentation.refine import (
    Alpha,
    BoolMask,
    Refined,
    RefineSettings,
    bounds_xyxy,
    refine_crops,
    refine_picture,
)
from segmentation.separate import one_owner_per_pixel, without_duplicates
from segmentation.settle import settled
from segmentation.views import detect_views

__all__ = ["SegmentOptions", "Segmenter"]

logger = logging.getLogger(__name__)

RUNTIMES = ("torch", "onnx")
PICTURES_AT_ONCE = 8
# A point asks for what the detector holds barely possible.
_POINT_SCORE, _POINT_CANDIDATES = 0.01, 200


class Segmenter:
    """Finds the characters of pictures. Loading is slow, use is not: make one and keep it.

    Example:
        >>> segmenter = Segmenter()
        >>> scene = segmenter("picture.png")
        >>> scene = segmenter("picture.png", boxes=[(10, 20, 200, 300)])

    Args:
        model: `embedded`, another name of the catalogue such as `cartoonseg-l`, a folder that holds
            a detector and a refiner, or a detector file.
        refiner: A file or name whose refiner takes the place of the model's own.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        dtype: `float32`, or `bfloat16` and `float16` for speed where the device has them.
        runtime: `torch`, or `onnx` for ONNX Runtime on the CPU.
        detector_size: Side of the detector's input in pixels, for a single look; None takes what
            the weights were made for: the embedded model looks at several sizes and fuses what it
            finds. Larger finds smaller characters.
        refine_size: Side of the refiner's input in pixels; None takes what the weights were made
            for.
        reference: Repeat the program published with the paper to the pixel, its slips included: the
            same order of operations, whole-picture refinement, overlaps and duplicates left as they
            are. Slower.
        options: How to segment; single fields may be given as keywords instead.
        **overrides: Fields of `SegmentOptions`.

    Raises:
        ModelNotFound: Weights are not on this machine; the text says how to get them.
        InvalidInput: An argument is out of its range, or the weights are of something else.
    """

    def __init__(
        self,
        model: str | Path = "embedded",
        *,
        refiner: str | Path | None = None,
        device: str | torch.device = "auto",
        dtype: str | torch.dtype = "float32",
        runtime: str = "torch",
        detector_size: int | None = None,
        refine_size: int | None = None,
        reference: bool = False,
        options: SegmentOptions | None = None,
        **overrides: Any,
    ) -> None:
        if reference:
            overrides |= {"refine": "picture", "overlap": True, "duplicate_iou": 1.0}
        self.reference = reference
        self.options = _with_overrides(options or SegmentOptions(), overrides)
        if runtime not in RUNTIMES:
            raise InvalidInput(f"runtime must be one of {', '.join(RUNTIMES)}; got {runtime!r}.")
        self.model = str(model)
        self.device = pick_device("cpu" if runtime == "onnx" and device == "auto" else device)
        self.dtype = pick_dtype(self.device, dtype)
        detector_file, refiner_file = find_files(model, refiner)
        self._detector = load_detector(
            detector_file, self.device, detector_size, fold=not reference
        )
        self._refiner = (
            load_refiner(refiner_file, self.device, refine_size, fold=not reference)
            if refiner_file is not None and self.options.refine != "none"
            else None
        )
        if self._refiner is None and self.options.refine != "none":
            raise InvalidInput(
                f"the model {self.model!r} has no refiner. Name one with refiner=FILE (or"
                " refiner='embedded'), or do without by refine='none'."
            )
        if self._refiner is not None and self.options.snap is not None:
            settings = replace(self._refiner.settings, snap=self.options.snap)
            self._refiner = replace(self._refiner, settings=settings)
        if runtime == "onnx":
            self._use_onnx(detector_file, refiner_file)

    def _use_onnx(self, detector_file: Path, refiner_file: Path | None) -> None:
        from segmentation.onnx_runtime import onnx_detector, onnx_refiner

        if self.device.type != "cpu":
            raise InvalidInput("runtime='onnx' runs on the CPU; leave device at 'auto' or 'cpu'.")
        self._detector = onnx_detector(self._detector, detector_file)
        if self._refiner is not None and refiner_file is not None:
            self._refiner = onnx_refiner(self._refiner, refiner_file)

    def __call__(
        self,
        picture: Picture | Scene,
        *,
        boxes: Any = None,
        points: Any = None,
        masks: Any = None,
        progress: Progress | None = None,
    ) -> Scene:
        """Segment one picture.

        With any of `boxes`, `points` and `masks` the detector is not asked: exactly what they name
        is cut out, and each becomes one instance.

        Args:
            picture: A file, Pillow image or array (RGB), or a Scene, whose instances are replaced.
            boxes: `(N, 4)` left, top, right, bottom in pixels: one box around each character.
            points: `(N, 2)` x, y in pixels: one point on each character.
            masks: One rough mask or several: arrays `(H, W)`, or mask files.
            progress: Called as the work goes on; may raise `Cancelled`.

        Returns:
            A scene with soft masks, left to right.

        Raises:
            InvalidInput: The picture cannot be read, or a prompt is of another shape or out of
                range.
        """
        shown = progress or silent
        scene = picture if isinstance(picture, Scene) else Scene.open(picture)
        prompted = any(prompt is not None for prompt in (boxes, points, masks))
        shown(0, 0, "looking for characters")
        if prompted:
            roughs = self._prompted(scene, boxes, points, masks)
        else:
            (roughs,) = self._found([scene])
        (alphas,) = self._alphas([(scene, roughs)], shown)
        return self._finish(scene, roughs, alphas, keep_all=prompted)

    def batch(
        self, pictures: Iterable[Picture | Scene], *, progress: Progress | None = None
    ) -> Iterator[Scene]:
        """Segment many pictures; up to eight share the forward passes of both networks.

        Args:
            pictures: Of any sizes.
            progress: Called after each picture; the total is 0 if `pictures` has no length.

        Yields:
            A scene for each picture, in order.
        """
        shown = progress or silent
        total = len(pictures) if isinstance(pictures, Sequence) else 0
        waiting, done = iter(pictures), 0
        shown(done, total, "segmenting")
        while chunk := list(islice(waiting, PICTURES_AT_ONCE)):
            scenes = [p if isinstance(p, Scene) else Scene.open(p) for p in chunk]
            jobs = list(zip(scenes, self._found(scenes), strict=True))
            for (scene, roughs), alphas in zip(jobs, self._alphas(jobs, silent), strict=True):
                yield self._finish(scene, roughs, alphas, keep_all=False)
                done += 1
                shown(done, total, "segmenting")

    # ------------------------------------------------------------ stage 1

    def _detect(self, scenes: Sequence[Scene], threshold: float, limit: int) -> list[Detections]:
        pictures = [scene.picture for scene in scenes]
        if self._detector.views and not self.reference:
            with self._precision():
                return detect_views(
                    self._detector.net,
                    pictures,
                    self._detector.views,
                    score_power=self._detector.score_power,
                    score_threshold=threshold,
                    max_instances=limit,
                    device=self.device,
                )
        with self._precision():
            raw, geometries = run_network(
                self._detector.net, pictures, self._detector.side, self.device
            )
        canvas: Canvas = "reference" if self.reference else "exact"
        with torch.inference_mode():
            return [
                select(
                    raw, i, geometry, score_threshold=threshold, max_instances=limit, canvas=canvas
                )
                for i, geometry in enumerate(geometries)
            ]

    def _found(self, scenes: Sequence[Scene]) -> list[list[Rough]]:
        detected = self._detect(scenes, self.options.threshold, self.options.max_instances)
        return [
            [
                _rough(_fitted(probability, scene.size_wh), score, clipped(box, scene.size_wh))
                for probability, score, box in zip(
                    found.probabilities, found.scores, found.boxes_xyxy, strict=True
                )
            ]
            for scene, found in zip(scenes, detected, strict=True)
        ]

    def _prompted(self, scene: Scene, boxes: Any, points: Any, masks: Any) -> list[Rough]:
        roughs: list[Rough] = []
        if boxes is not None:
            roughs += rough_from_boxes(boxes, scene.size_wh)
        if points is not None:
            (seen,) = self._detect([scene], _POINT_SCORE, _POINT_CANDIDATES)
            roughs += rough_from_points(points, scene.size_wh, seen)
        if masks is not None:
            roughs += rough_from_masks(masks, scene.size_wh)
        return roughs

    # ------------------------------------------------------------ stage 2

    def _alphas(
        self, jobs: Sequence[tuple[Scene, list[Rough]]], progress: Progress
    ) -> Iterator[list[Alpha]]:
        """Alphas of all rough masks, picture by picture."""
        refined = self._refined(jobs)
        total, done = sum(len(roughs) for _, roughs in jobs), 0
        for scene, roughs in jobs:
            if self._refiner is None:
                yield [rough.mask * np.uint8(255) for rough in roughs]
                continue
            masks: list[Refined] = []
            for _ in roughs:
                progress(done, total, f"cutting out character {done + 1} of {total}")
                masks.append(next(refined))
                done += 1
            settings = self._refiner.settings
            if self.options.refine == "instance":
                masks = settled(scene.picture, roughs, masks, settings)
            yield [mask.alpha(scene.size_wh, settings.threshold) for mask in masks]
        progress(total, total, "done")

    def _refined(self, jobs: Sequence[tuple[Scene, list[Rough]]]) -> Iterator[Refined]:
        if self._refiner is None:
            return
        net, settings = self._refiner.net, self._refiner.settings

        def in_precision(x: torch.Tensor) -> torch.Tensor:
            with self._precision():
                return net(x)

        if self.options.refine == "instance":
            crops = (
                (scene.picture, _fourth_channel(rough, settings), rough.box_xyxy)
                for scene, roughs in jobs
                for rough in roughs
            )
            yield from refine_crops(in_precision, crops, settings, self.device)
        else:
            for scene, roughs in jobs:
                masks = [rough.mask for rough in roughs]
                yield from refine_picture(in_precision, scene.picture, masks, settings, self.device)

    def _precision(self) -> torch.autocast:
        low = self.dtype != torch.float32
        return torch.autocast(self.device.type, self.dtype if low else None, enabled=low)

    # ------------------------------------------------------------ the result

    def _finish(
        self, scene: Scene, roughs: Sequence[Rough], alphas: Sequence[Alpha], *, keep_all: bool
    ) -> Scene:
        """Order by score, drop duplicates, share out the pixels, and make a scene of it."""
        order = sorted(range(len(roughs)), key=lambda i: -roughs[i].score)
        order = [i for i in order if (alphas[i] >= 128).any()]
        if not keep_all:
            same = without_duplicates(
                [alphas[i] for i in order],
                [roughs[i].score for i in order],
                self.options.duplicate_iou,
            )
            order = [order[i] for i in same]
        masks: list[Alpha | None] = [alphas[i] for i in order]
        if not self.options.overlap:
            masks = one_owner_per_pixel(
                [alphas[i] for i in order], [roughs[i].score for i in order]
            )
        instances = [
            Instance(
                mask,
                min(roughs[i].score, 1.0),
                box_xyxy=roughs[i].box_xyxy if keep_all else self._box(roughs[i], mask),
            )
            for i, mask in zip(order, masks, strict=True)
            if mask is not None
        ]
        logger.debug("%d characters in a picture of %dx%d", len(instances), *scene.size_wh)
        meta = {**scene.meta, "segmenter": {"model": self.model, "refine": self.options.refine}}
        return scene.replace(instances=instances, meta=meta)

    def _box(self, rough: Rough, mask: Alpha) -> tuple[float, float, float, float] | None:
        """The mask's box where its edges follow the lines, which no detector's box does so well."""
        snaps = self._refiner is not None and self._refiner.settings.snap > 0
        if not snaps or self.options.refine != "instance":
            return rough.box_xyxy
        return bounds_xyxy(mask >= 128) or rough.box_xyxy


def _with_overrides(options: SegmentOptions, overrides: dict[str, Any]) -> SegmentOptions:
    known = SegmentOptions.__dataclass_fields__
    unknown = [name for name in overrides if name not in known]
    if unknown:
        raise InvalidInput(f"Segmenter has no option {unknown[0]!r}. Options: {', '.join(known)}.")
    return replace(options, **overrides)


def _fitted(mask: Alpha, size_wh: tuple[int, int]) -> Alpha:
    """A mask of the picture's size; only the reference's slip makes smaller ones."""
    missing = size_wh[1] - mask.shape[0], size_wh[0] - mask.shape[1]
    return np.pad(mask, [(0, missing[0]), (0, missing[1])]) if any(missing) else mask


def _rough(probability: Alpha, score: float, box: tuple[float, float, float, float]) -> Rough:
    return Rough(probability > 127, float(score), box, probability)


def _fourth_channel(rough: Rough, settings: RefineSettings) -> BoolMask | Alpha:
    """What the refiner is shown of a rough mask: some weights want to know how sure it is."""
    if settings.soft_rough and rough.probability is not None:
        return rough.probability
    return rough.mask
