"""Make the contact sheets of camera moves: ``python docs/make_moves.py [PICTURE|SCENE ...]``.

Writes ``moves-NAME.jpg`` for each picture: eight moves, a row each, from the start to the end.
Without arguments, of the sample pictures.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

import cartoonedit as ce
from cartoonedit.samples import sample_path

HERE = Path(__file__).parent
MOVES = (
    "autozoom", "zoom-in", "pan-right", "rise", "dolly-zoom", "orbit", "circle", "focus-pull",
)  # fmt: skip
TIMES = (0.0, 0.34, 0.67, 1.0)
ROUND_TIMES = (0.0, 0.25, 0.5, 0.75)
TILE_WIDTH, GAP = 230, 4


def main() -> None:
    """Make a sheet for each picture."""
    pictures = sys.argv[1:] or [sample_path(name) for name in ("concert", "novel")]
    for picture in pictures:
        path = Path(picture)
        scene = ce.Scene.open(path) if path.is_dir() else ce.Segmenter()(path)
        out = HERE / f"moves-{path.stem}.jpg"
        sheet(scene).save(out, quality=76, optimize=True)
        print(f"{out}: {len(scene)} characters, {out.stat().st_size // 1000} kB")


def sheet(scene: ce.Scene) -> Image.Image:
    """Eight rows of frames, each with the name of its move."""
    width, height = scene.size_wh
    size = (2 * TILE_WIDTH, 2 * round(TILE_WIDTH * height / width))
    rows = [row(scene, move, size) for move in MOVES]
    return Image.fromarray(np.vstack(rows)[: -GAP or None])


def row(scene: ce.Scene, move: str, size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """Frames of one move side by side."""
    shot = ce.KenBurns(move=move, size_wh=size_wh).prepare(scene)
    times = ROUND_TIMES if shot.camera.path.closed else TIMES
    tiles = []
    for t in times:
        tile = Image.fromarray(shot.frame(t)).resize((size_wh[0] // 2, size_wh[1] // 2))
        if t == 0:
            label(tile, move)
        tiles.append(np.pad(np.asarray(tile), ((0, GAP), (0, GAP), (0, 0)), constant_values=255))
    return np.hstack(tiles)[:, :-GAP]


def label(tile: Image.Image, text: str) -> None:
    """Write a name into the corner of a tile."""
    font = ImageFont.load_default(12)
    draw = ImageDraw.Draw(tile)
    draw.rectangle((0, 0, draw.textlength(text, font) + 8, 17), fill="white")
    draw.text((4, 1), text, fill="black", font=font)


if __name__ == "__main__":
    main()
