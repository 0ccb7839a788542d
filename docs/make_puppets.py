"""Make the pictures of the guide to puppets: ``python docs/make_puppets.py``.

Writes ``puppets.webp``, in which the two of the sample ``duo`` show motions one after the other.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

import cartoonedit as ce
from cartoonedit.samples import sample_path

HERE = Path(__file__).parent
SIZE_WH, FPS, SECONDS = (512, 288), 12, 2.0
PAIRS = (("wave", "nod"), ("dance", "dance"), ("jump", "cheer"), ("bow", "sway"))


def main() -> None:
    """Make the clip."""
    scene = ce.Segmenter()(sample_path("duo"))
    frames = [frame for left, right in PAIRS for frame in moves(scene, left, right)]
    first, *others = frames
    first.save(
        HERE / "puppets.webp",
        save_all=True,
        append_images=others,
        duration=round(1000 / FPS),
        loop=0,
        quality=45,
        method=6,
    )
    print(f"{len(frames)} frames, {(HERE / 'puppets.webp').stat().st_size // 1000} kB")


def moves(scene: ce.Scene, left: str, right: str) -> list[Image.Image]:
    """Some seconds of the two, with the names of what they do."""
    puppet = ce.Puppet(
        motion=left,
        motion_for=[f"character-2={right}"],
        size_wh=SIZE_WH,
        fps=FPS,
        duration=SECONDS,
        blend_in=0.3,
    )
    show = puppet.prepare(scene)
    return [labelled(frame, left, right) for frame in show.frames()]


def labelled(frame: NDArray[np.uint8], left: str, right: str) -> Image.Image:
    """A frame with two words at its lower edge."""
    image = Image.fromarray(frame)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(16)
    for word, x in ((left, 170), (right, 340)):
        place = (x, SIZE_WH[1] - 14)
        draw.text(place, word, "white", font, anchor="mm", stroke_width=2, stroke_fill="#30304a")
    return image


if __name__ == "__main__":
    main()
