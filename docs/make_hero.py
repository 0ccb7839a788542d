"""Make the README's pictures from a sample: ``python docs/make_hero.py``.

Writes ``hero.webp``, the camera move there and back, and ``parts.webp``, what the picture was taken
apart into.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import cartoonedit as ce
from cartoonedit.export import overlay
from cartoonedit.samples import sample_path

HERE = Path(__file__).parent
HERO_WH, FPS, SECONDS = (520, 332), 10, 3
PANEL_WH, GAP = (480, 306), 6


def main() -> None:
    """Make both pictures."""
    scene = ce.Segmenter()(sample_path("concert"))
    print(f"{len(scene)} characters")
    save_clip(scene, HERE / "hero.webp")
    save_parts(scene, HERE / "parts.webp")
    for name in ("hero.webp", "parts.webp"):
        print(f"{name}: {(HERE / name).stat().st_size // 1000} kB")


def save_clip(scene: ce.Scene, path: Path) -> None:
    """The move there and back, without a frame twice."""
    clip = ce.KenBurns(size_wh=HERO_WH, fps=FPS, duration=SECONDS, loop="pingpong", strength=1.3)
    first, *others = (Image.fromarray(frame) for frame in clip.frames(scene))
    first.save(
        path,
        save_all=True,
        append_images=others,
        duration=round(1000 / FPS),
        loop=0,
        quality=50,
        method=6,
    )


def save_parts(scene: ce.Scene, path: Path) -> None:
    """Overlay, cut-outs, plate and depth map in a row."""
    depth = np.repeat((255 * scene.depth).astype(np.uint8)[..., None], 3, axis=2)
    panels = [overlay(scene), cutouts(scene), scene.plate, depth]
    row = Image.new("RGB", (len(panels) * (PANEL_WH[0] + GAP) - GAP, PANEL_WH[1]), "white")
    for number, panel in enumerate(panels):
        tile = Image.fromarray(panel).resize(PANEL_WH, Image.Resampling.LANCZOS)
        row.paste(tile, (number * (PANEL_WH[0] + GAP), 0))
    row.save(path, quality=82, method=6)


def cutouts(scene: ce.Scene) -> NDArray[np.uint8]:
    """All cut-outs over a chequered ground."""
    width, height = scene.size_wh
    rows, columns = np.indices((height, width)) // (width // 60)
    ground = np.where((rows + columns) % 2, 245, 215).astype(np.uint8)
    sheet = Image.fromarray(ground).convert("RGBA")
    for character in scene:
        sheet.alpha_composite(Image.fromarray(scene.cutout(character)))
    return np.asarray(sheet.convert("RGB"))


if __name__ == "__main__":
    main()
