"""Jobs: parts in the form that networks work on, and the studio in which they are done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from apps.style.noise import NoiseField
from apps.style.options import StyleOptions
from apps.style.parts import Part
from apps.style.windows import Window, plane_size
from cartoonedit.diffusion import family_of, use_loras
from cartoonedit.runtime import Progress, silent

if TYPE_CHECKING:
    import torch

    from cartoonedit.diffusion.words import Encoded

__all__ = ["Job", "OnPreview", "Studio"]

OnPreview = Callable[[str, NDArray[np.uint8]], None]
"""``on_preview(parts, image)`` after each step: names, and a small RGB sketch of what is seen."""

_SIDES = {"sd15": 768, "sdxl": 1024}


@dataclass(frozen=True)
class Job:
    """A part, and the piece of a picture that it is translated in.

    Attributes:
        part: What it becomes.
        window: Where, and at which scale.
        shown: What is translated, RGB ``uint8`` at the working size.
        lines: Its line art, ``uint8`` ``(h, w)`` at the working size.
    """

    part: Part
    window: Window
    shown: NDArray[np.uint8]
    lines: NDArray[np.uint8]


@dataclass
class Studio:
    """A pipeline, and what all jobs of one picture share.

    Attributes:
        pipeline: Image-to-image, in place.
        options: Of the translation.
        size_wh: Of the picture.
        progress: Called after each step; may raise to stop.
        on_preview: Called after each step, if given.
        total: Steps of all jobs together, as they are counted one by one.
    """

    pipeline: Any
    options: StyleOptions
    size_wh: tuple[int, int]
    progress: Progress = silent
    on_preview: OnPreview | None = None
    total: int = 0
    _done: int = 0
    _fields: dict[int, NoiseField] = field(default_factory=dict)
    _references: dict[Path | None, Any] = field(default_factory=dict)

    @cached_property
    def side(self) -> int:
        """Pixels at which the model works best."""
        return self.options.side or _SIDES[family_of(self.pipeline)]

    @cached_property
    def most(self) -> int:
        """Pixels beyond which a part is reduced."""
        return max(self.side, self.options.max_side or 2 * self.side)

    def tile(self, window: Window) -> int | None:
        """Latent cells of a tile, where a window is too large for one."""
        from cartoonedit.diffusion.predict import CELL

        return self.side // CELL if max(window.size_wh) > 2 * self.side else None

    def noise(self, seed: int, window: Window) -> torch.Tensor:
        """The noise of a seed in a window, ``(1, 4, h, w)``."""
        if seed not in self._fields:
            self._fields[seed] = NoiseField(plane_size(self.size_wh, self.side, self.most), seed)
        return self._fields[seed].crop(window.level, *window.cells)

    def words(self, part: Part) -> Encoded:
        """A part's prompts as its text encoders, with its LoRAs, understand them."""
        from cartoonedit.diffusion.words import encode_pair

        use_loras(self.pipeline, part.loras)
        return encode_pair(
            self.pipeline, part.prompt, part.negative, clip_skip=self.options.clip_skip
        )

    def reference(self, part: Part) -> torch.Tensor | None:
        """Tokens of a part's reference picture for [without, with].

        They add nothing where it has none; None if no part of the picture has one.
        """
        if part.reference not in self._references:
            from cartoonedit.diffusion import reference_tokens
            from cartoonedit.images import open_image

            picture = None if part.reference is None else open_image(part.reference)
            self._references[part.reference] = reference_tokens(self.pipeline, picture)
        return self._references[part.reference]

    def control(self, jobs: list[Job]) -> torch.Tensor | None:
        """Line art for the ControlNet, 0..1 ``(B, 3, H, W)``; None without one."""
        import torch

        if getattr(self.pipeline, "controlnet", None) is None:
            return None
        lines = np.stack([job.lines for job in jobs])
        return torch.from_numpy(lines).float()[:, None].repeat(1, 3, 1, 1) / 255

    def on_step(self, name: str, units: int) -> Callable[[int, int, torch.Tensor], None]:
        """What :func:`cartoonedit.diffusion.denoise.denoise` shall call.

        Args:
            name: Of what is translated.
            units: How much of the total it makes.
        """
        from cartoonedit.diffusion import latent_preview

        family, before = family_of(self.pipeline), self._done

        def report(step: int, steps: int, latents: torch.Tensor) -> None:
            if self.on_preview is not None:
                self.on_preview(name, latent_preview(latents[:1], family))
            self._done = before + units * step // steps
            self.progress(self._done, self.total, f"translating {name}")

        return report
