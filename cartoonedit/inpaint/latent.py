"""The paper's second fill: latent diffusion repaints the rough one (section 6.1)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cartoonedit import hub
from cartoonedit.diffusion import (
    INPAINT,
    check_steps,
    explain_memory,
    load_pipeline,
    report_steps,
    steps_run,
)
from cartoonedit.diffusion.memory import check_offload
from cartoonedit.errors import InvalidInput, ModelNotFound
from cartoonedit.inpaint.patchmatch import patchmatch_fill
from cartoonedit.inpaint.regions import pad, resize, resize_hole, scaled, surroundings
from cartoonedit.inpaint.smooth import rounded
from cartoonedit.inpaint.tiles import Mosaic, Tile, plan_tiles
from cartoonedit.inpaint.tone import match_tone
from cartoonedit.instance import Tag
from cartoonedit.runtime import Progress, silent

if TYPE_CHECKING:
    from cartoonedit.diffusion.words import Encoded

__all__ = ["LatentInpainter"]

logger = logging.getLogger(__name__)

LEAST_SCALE = 0.5
"""What is too large for the model is reduced by this much at most, for beyond it a fill looks
soft beside sharp lines; what is then still too large is worked on in tiles."""

_LEAST_SIDE = 64  # of what the model is shown, in pixels: its coarsest grid then has one cell
_MESSAGE = "painting the background"
_in_use = threading.Lock()  # a pipeline keeps the state of its scheduler


@dataclass(frozen=True)
class LatentInpainter:
    """Fill a hole with PatchMatch, tag the fill, and repaint it by latent diffusion.

    The defaults are the paper's. What is repainted is the surroundings of the hole, in a size that
    suits the model, in overlapping tiles if they are large, so that memory stays bounded.

    Attributes:
        model: A checkpoint of the SD 1.5 or SDXL family, for inpainting or not, as for
            :func:`cartoonedit.diffusion.load_pipeline`.
        steps: Diffusion steps of the whole schedule, 1 to 200.
        strength: How much of the schedule is run, above 0 up to 1; at 0.75, 24 of 32 steps.
        guidance: How strongly the prompt is followed (classifier-free guidance), 1 = not more than
            without.
        prompt: Words that come before the tags; the whole prompt if there is no tagger. Prompts may
            be of any length and weighted, as in ``(night sky:1.2)``.
        negative: What must not appear; None takes the paper's fixed negative prompt.
        tagger: Which tags are the prompt: the name, folder or file of a tagger, as for
            :class:`cartoonedit.tagger.Tagger`, or a callable ``image -> list[Tag]``; None for no
            tags. One of the catalogue that is not on this machine is done without.
        device: As for :func:`cartoonedit.runtime.pick_device`.
        dtype: As for :func:`cartoonedit.runtime.pick_dtype`.
        offload: One of :data:`cartoonedit.diffusion.OFFLOADS`; against a lack of memory.
        max_side: Of what the model is shown at once, in pixels; None takes 768 for the SD 1.5
            family and 1024 for SDXL.
        config: As for :func:`cartoonedit.diffusion.load_pipeline`.
        progress: Called after every step; may raise :class:`~cartoonedit.errors.Cancelled`.

    Raises:
        InvalidInput: A value is out of its range.
    """

    name: ClassVar[str] = "latent-diffusion"

    model: str | Path = "stable-diffusion-v1-5/stable-diffusion-inpainting"
    steps: int = 32
    strength: float = 0.75
    guidance: float = 7.5
    prompt: str | None = None
    negative: str | None = None
    tagger: str | Path | Callable[[NDArray[np.uint8]], list[Tag]] | None = (
        "wd-v1-4-swinv2-tagger-v2"
    )
    device: str = "auto"
    dtype: str = "auto"
    offload: str = "none"
    max_side: int | None = None
    config: str | Path | None = None
    progress: Progress | None = None

    def __post_init__(self) -> None:
        check_steps(self.steps)
        if not 0 < self.strength <= 1:
            raise InvalidInput(f"strength must be above 0 and at most 1; got {self.strength}.")
        if steps_run(self.steps, self.strength) < 1:
            raise InvalidInput(
                f"{self.steps} steps at strength {self.strength} make less than one step."
                f" Take at least {int(np.ceil(1 / self.strength))} steps."
            )
        if self.max_side is not None and self.max_side < _LEAST_SIDE:
            raise InvalidInput(f"max_side must be {_LEAST_SIDE} or more; got {self.max_side}.")
        check_offload(self.offload)

    def __call__(
        self, image: NDArray[np.uint8], hole: NDArray[np.bool_], seed: int
    ) -> NDArray[np.uint8]:
        """Fill ``hole`` ``(H, W)`` of an RGB ``uint8`` image ``(H, W, 3)``.

        Same seed, same bytes on the same device.

        Raises:
            ModelNotFound: The model is not on this machine.
            InvalidInput: The model is a pickle or of another family.
            CartooneditError: The device has too little memory.
            Cancelled: ``progress`` stopped it.
        """
        if not hole.any():
            return image.copy()
        with _in_use:
            # First, since a missing model should be reported at once.
            pipeline = load_pipeline(
                self.model,
                INPAINT,
                device=self.device,
                dtype=self.dtype,
                offload=self.offload,
                config=self.config,
            )
            rough = patchmatch_fill(image, hole, seed)
            words = self._words(pipeline, rough)
            inside = surroundings(hole)
            painted = self._repaint(pipeline, words, rough[inside], hole[inside], seed)
        result = image.copy()
        result[inside] = match_tone(painted, image[inside], hole[inside])
        return result

    def _words(self, pipeline: Any, rough: NDArray[np.uint8]) -> Encoded:
        """Prompt and negative prompt for a roughly filled picture, encoded."""
        from cartoonedit.diffusion.words import encode_pair
        from prompts import background_prompt, negative_prompt

        prompt = background_prompt(self._tags(rough), self.prompt or "")
        negative = self.negative
        if negative is None:
            negative = negative_prompt("background")
        logger.info("prompt: %s; negative prompt: %s", prompt, negative)
        with explain_memory():
            return encode_pair(pipeline, prompt, negative)

    def _tags(self, rough: NDArray[np.uint8]) -> list[Tag]:
        from cartoonedit.tagger import Tagger

        if self.tagger is None:
            return []
        if callable(self.tagger):
            return self.tagger(rough)
        try:
            return Tagger(self.tagger, device="cpu" if self.device == "cpu" else "auto")(rough)
        except ModelNotFound as error:
            if str(self.tagger) not in hub.CATALOGUE:  # a path that the user gave is meant
                raise
            logger.warning("the background is painted without tags: %s", error)
            return []

    def _repaint(
        self,
        pipeline: Any,
        words: Encoded,
        rough: NDArray[np.uint8],
        hole: NDArray[np.bool_],
        seed: int,
    ) -> NDArray[np.uint8]:
        """The rough fill, repainted at the model's size; a picture of the same size."""
        import torch

        cell = pipeline.vae_scale_factor
        native = int(np.max(pipeline.unet.config.sample_size)) * cell
        side = (self.max_side or max(768, native)) // cell * cell
        size_wh = _working_size(hole.shape[::-1], min(native, side), side)
        shown = pad(resize(rough, size_wh), cell, _LEAST_SIDE)
        todo = pad(resize_hole(hole, size_wh), cell, _LEAST_SIDE)
        overlap = max(cell, side // 4 // cell * cell)
        tiles = plan_tiles(todo, side, overlap, cell)
        mosaic = Mosaic(shown, overlap)
        generator = torch.Generator("cpu").manual_seed(seed)
        run = _Run(self, pipeline, words, generator, len(tiles))
        run.report(0)
        for tile in tiles:
            run.paint(mosaic, tile, todo)
        painted = mosaic.picture()[: size_wh[1], : size_wh[0]]
        return resize(painted, hole.shape[::-1])


class _Run:
    """The calls of a pipeline for one picture.

    Args:
        options: Of the inpainter.
        pipeline: Loaded and in place.
        words: Prompt and negative prompt, encoded.
        generator: Draws the noise of one tile after the other.
        tiles: How many there are.
    """

    def __init__(
        self,
        options: LatentInpainter,
        pipeline: Any,
        words: Encoded,
        generator: Any,
        tiles: int,
    ) -> None:
        self._pipeline = pipeline
        self._arguments = {
            "num_inference_steps": options.steps,
            "strength": options.strength,
            "guidance_scale": options.guidance,
            "generator": generator,
            "output_type": "np",
            **words.arguments(),
        }
        self._steps = steps_run(options.steps, options.strength)
        self._total, self._done = self._steps * tiles, 0
        self._progress = options.progress or silent

    def report(self, step: int) -> None:
        self._progress(step, self._total, _MESSAGE)

    def paint(self, mosaic: Mosaic, tile: Tile, hole: NDArray[np.bool_]) -> None:
        """Repaint the part of the hole in a tile that is still open."""
        todo = mosaic.open_part(tile, hole)
        if todo.any():
            mask = _whole_cells(todo, self._pipeline.vae_scale_factor)
            mosaic.put(tile, self._call(mosaic.look(tile), mask))
        else:  # its neighbours have painted all of it
            self.report(self._done + self._steps)
        self._done += self._steps

    def _call(self, shown: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
        from PIL import Image

        height, width = mask.shape
        try:
            with explain_memory():
                colours = self._pipeline(
                    image=Image.fromarray(shown),
                    mask_image=Image.fromarray(mask * np.uint8(255)),
                    height=height,
                    width=width,
                    callback_on_step_end=report_steps(
                        self._progress, self._done, self._total, _MESSAGE
                    ),
                    **self._arguments,
                ).images[0]
        finally:
            self._pipeline.maybe_free_model_hooks()  # not done by itself if it was stopped
        return rounded(colours * 255)


def _working_size(size_wh: tuple[int, ...], least: int, most: int) -> tuple[int, int]:
    """The size that the model works in; its longer side is ``least`` to ``most``, where it can."""
    long = max(size_wh)
    if long < least:
        scale = least / long
    else:
        scale = max(LEAST_SCALE, min(1.0, most / long))
    return scaled(size_wh, scale)


def _whole_cells(hole: NDArray[np.bool_], cell: int) -> NDArray[np.bool_]:
    """The hole in whole cells of the latent grid, of which the model masks all or nothing."""
    rows, columns = hole.shape[0] // cell, hole.shape[1] // cell
    any_in_cell = hole.reshape(rows, cell, columns, cell).any(axis=(1, 3))
    return any_in_cell.repeat(cell, axis=0).repeat(cell, axis=1)
