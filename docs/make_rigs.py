"""Make the sheet of estimated joints: ``python docs/make_rigs.py FOLDER``.

FOLDER holds the material, which is no part of this project: ``fixtures/puppet/segment.npz`` with
the masks of the six example characters of Animated Drawings, and ``art/`` with cut-out characters.
The two characters of the sample scene are added from the project itself.
Writes ``rigs.jpg``: what the estimator makes of each mask alone, and how sure it is.

The pictures shown, each under the licence of its source:

- ``girl``, ``boy``: the sample scene ``duo``, of this project.
- ``char1`` to ``char6``, masks only: Animated Drawings, Meta Platforms, MIT.
- ``sylvie``, ``lucy``: Ren'Py; Sylvie by Deji, Lucy by Shiei, Jake, Mugenjohncel; MIT.
- ``Gaotian``: Nova, the Nova Authors, MIT.
- ``godette``: Fractural Visual Novel Engine, Atlinx, MIT.
- ``Ninja``: GameArt2D (Zuhria Alfitra), CC0.
- ``Barbarian``: KayKit Adventurers, Kay Lousberg, CC0.
- ``peep``, ``notionists``: Open Peeps, Pablo Stanley, and Notionists, Zoish; both CC0.
- ``humaaans``: Humaaans, Pablo Stanley, CC-BY-4.0.
- ``Astronaut``: React Kawaii, Elizabet Oliveira, MIT.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from apps.puppet.joints import draw_joints
from apps.puppet.joints.inside import inside
from apps.puppet.joints.silhouette.estimate import estimate
from cartoonedit.images import open_rgba

HERE = Path(__file__).parent
TILE, LABEL, GAP, COLUMNS = 270, 18, 4, 6
BACK = np.array((236, 238, 242), np.float32)
FLAT = (150, 158, 170)
CHARACTERS = ("char1", "char2", "char3", "char4", "char5", "char6")
CUT_OUTS = {
    "sylvie": "samples/sylvie_blue_smile.webp",
    "lucy": "samples/lucy_happy.webp",
    "Gaotian": "foregrounds/nova-vn/Gaotian-3.webp",
    "godette": "foregrounds/fractural-vn/godette_happy.webp",
    "Ninja": "foregrounds/gameart2d/Ninja_girl2_Climb_6.webp",
    "Barbarian": "foregrounds/kaykit-adventurers-render/Barbarian-2H_Ranged_Aiming.webp",
    "peep": "foregrounds/react-peeps/peep-standing-017.webp",
    "notionists": "foregrounds/dicebear-notionists/notionists-080.webp",
    "humaaans": "foregrounds/humaaans/hum-stand-084.webp",
    "Astronaut": "foregrounds/react-kawaii/Astronaut-0.webp",
}


def main() -> None:
    """Make the sheet."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    tiles = [tile(name, rgba) for name, rgba in [*sample(), *masks(folder), *cut_outs(folder)]]
    rows = -(-len(tiles) // COLUMNS)
    size = COLUMNS * (TILE + GAP) + GAP, rows * (TILE + LABEL + GAP) + GAP
    sheet = Image.new("RGB", size, (255, 255, 255))
    for index, each in enumerate(tiles):
        row, column = divmod(index, COLUMNS)
        sheet.paste(each, (GAP + column * (TILE + GAP), GAP + row * (TILE + LABEL + GAP)))
    out = HERE / "rigs.jpg"
    sheet.save(out, quality=82, optimize=True)
    print(f"{out}: {len(tiles)} characters, {out.stat().st_size // 1000} kB")


def sample() -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """The characters of the sample scene."""
    picture = np.asarray(Image.open(HERE.parent / "cartoonedit" / "samples" / "duo.png"))[..., :3]
    labels = np.asarray(Image.open(HERE.parent / "tests" / "data" / "duo_truth.png"))
    for index, name in enumerate(("girl", "boy"), start=1):
        ys, xs = np.nonzero(labels == index)
        window = slice(ys.min(), ys.max() + 1), slice(xs.min(), xs.max() + 1)
        alpha = ((labels == index) * 255).astype(np.uint8)
        yield name, np.dstack([picture, alpha])[window]


def masks(folder: Path) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """The characters of Animated Drawings, as flat shapes."""
    stored = np.load(folder / "fixtures" / "puppet" / "segment.npz")
    for name in CHARACTERS:
        height, width = stored[f"{name}_shape"]
        bits = np.unpackbits(stored[f"{name}_mask"])[: height * width]
        flat = np.full((height, width, 4), (*FLAT, 255), np.uint8)
        flat[..., 3] *= bits.reshape(height, width)
        yield name, flat


def cut_outs(folder: Path) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """The other characters."""
    for name, file in CUT_OUTS.items():
        yield name, open_rgba(folder / "art" / file)


def tile(name: str, rgba: NDArray[np.uint8]) -> Image.Image:
    """One character with its joints, and how sure they are."""
    found = estimate(rgba[..., 3])
    skeleton = inside(found.skeleton, rgba[..., 3])
    height, width = rgba.shape[:2]
    scale = TILE / max(height, width)
    alpha = rgba[..., 3:].astype(np.float32) / 255
    pale = rgba[..., :3] * 0.7 + 255 * 0.3
    picture = np.rint(pale * alpha + BACK * (1 - alpha)).astype(np.uint8)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    canvas = np.full((TILE, TILE, 3), BACK, np.uint8)
    x, y = (TILE - size[0]) // 2, (TILE - size[1]) // 2
    canvas[y : y + size[1], x : x + size[0]] = small
    moved = skeleton.moved(skeleton.points_xy * scale + (x, y))
    drawn = Image.new("RGB", (TILE, TILE + LABEL), (255, 255, 255))
    drawn.paste(Image.fromarray(draw_joints(canvas, {name: moved}, names=False)), (0, 0))
    text = f"{name}: {found.kind}, {found.confidence:.2f}"
    ImageDraw.Draw(drawn).text((4, TILE + 1), text, "black", ImageFont.load_default(13))
    return drawn


if __name__ == "__main__":
    main()
