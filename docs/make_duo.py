"""Draw the sample picture ``duo``, a girl and a boy in a meadow: ``python docs/make_duo.py``.

Writes ``cartoonedit/samples/duo.png`` and, for tests, what a picture alone does not tell:
``tests/data/duo_truth.png``, an index map (0 background, 1 the girl, 2 the boy), and
``tests/data/duo_joints.json``, the 16 joints of each.

Points of a character are in pixels from its middle line, x, and of the picture, y. Limbs are drawn
along the joints.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from duo_pen import (
    HEIGHT,
    LINE,
    WIDTH,
    Canvas,
    Point,
    ellipse,
    limb,
    placed,
    points,
    smaller,
    spline,
    symmetric,
)  # fmt: skip
from duo_scene import draw_scene
from numpy.typing import NDArray
from PIL import Image

from apps.puppet.skeleton import STANDARD

ROOT = Path(__file__).parent.parent
GIRL_X, BOY_X = 425, 850
GIRL_SKIN, BOY_SKIN = ("#fcdcc4", "#f2b99b"), ("#fdd6b0", "#efad82")

Joints = Mapping[str, Point]


@dataclass(frozen=True)
class Drawn:
    """The picture, the true alpha mask of each character, and its joints by name."""

    picture: NDArray[np.uint8]
    masks: list[NDArray[np.uint8]]
    joints: list[dict[str, Point]]


def main() -> None:
    """Draw, and write picture and truth."""
    drawn = draw()
    index = np.zeros((HEIGHT, WIDTH), np.uint8)
    for number, mask in enumerate(drawn.masks, 1):
        index[mask > 127] = number
    truth = Image.fromarray(index)
    truth.putpalette([255, 255, 255, 200, 60, 90, 40, 90, 180])
    Image.fromarray(drawn.picture).save(ROOT / "cartoonedit/samples/duo.png", optimize=True)
    truth.save(ROOT / "tests/data/duo_truth.png", optimize=True, bits=2)
    text = json.dumps(drawn.joints, indent=1)
    (ROOT / "tests/data/duo_joints.json").write_text(text + "\n", encoding="utf-8")


def draw() -> Drawn:
    """Draw the scene, back to front."""
    canvas = Canvas()
    draw_scene(canvas)
    masks, joints = [], []
    for middle, character in ((GIRL_X, girl), (BOY_X, boy)):
        canvas.begin(middle)
        points = character(canvas)
        masks.append(smaller(canvas.touched))
        joints.append({name: (middle + points[name][0], points[name][1]) for name in STANDARD})
    return Drawn(smaller(canvas.pixels), masks, joints)


# ---- both characters


def arm(
    canvas: Canvas, joints: Joints, side: str, widths: Sequence[float], skin: tuple[str, str]
) -> None:
    """An arm and a hand, its thumb on the side of the body."""
    shoulder, elbow, wrist = (
        np.array(joints[f"{side}_{name}"]) for name in ("shoulder", "elbow", "hand")
    )
    along = (wrist - elbow) / np.hypot(*(wrist - elbow)) * 1.65 * widths[-1]
    across = np.array([-along[1], along[0]]) * (1 if side == "left" else -1)

    def hand(text: str) -> list[Point]:
        return [tuple(wrist + u * along + v * across) for u, v in points(text)]

    mitten = hand(
        "-.5,-.45 .3,-.6 1,-.72 1.6,-.6 1.85,-.2 1.75,.2 1.3,.5 .95,.55"
        " 1.1,.85 1,1.1 .7,1.1 .3,.75 -.5,.45"
    )
    below_sleeve = 0.3 * shoulder + 0.7 * elbow
    bones = [tuple(point) for point in (below_sleeve, elbow, wrist)]
    canvas.shape([limb(bones, widths), spline(mitten)], *skin, light=(-4, -3))
    for fingers in ("1.75,-.35 1.35,-.35", "1.78,-.02 1.35,-.05"):
        canvas.stroke(hand(fingers), 0.16 * widths[-1])


def eyes(
    canvas: Canvas, x: float, y: float, size: float, iris: str, dark: str, lashes: str
) -> None:
    """Two large ones, looking at the viewer."""
    for cx, side in ((-x, -1), (x, 1)):
        white = ellipse(cx, y, 0.86 * size, size)
        canvas.plain(white, "#ffffff")
        ring = ellipse(cx, y + 1, 0.68 * size, 0.9 * size)
        canvas.plain(ring, iris, dark, light=(0, 0.45 * size), within=white)
        canvas.plain(ellipse(cx, y + 1, 0.36 * size, 0.48 * size), LINE)
        canvas.plain(ellipse(cx - 0.26 * size, y - 0.36 * size, 0.27 * size), "#ffffff")
        canvas.plain(ellipse(cx + 0.3 * size, y + 0.45 * size, 0.14 * size), "#ffffff")
        lid = points(f"-.98,-.15 -.62,-.72 0,-1 .62,-.74 .98,-.15 {lashes}")
        canvas.stroke([(cx + side * u * size, y + v * size) for u, v in lid], 3.8)
        low = points("-.45,.9 0,1 .45,.9")
        canvas.stroke([(cx + u * size, y + v * size) for u, v in low], 1.8)


def smile(canvas: Canvas, y: float, wide: float, deep: float) -> None:
    """An open mouth with teeth and tongue."""
    low = f"{0.68 * wide},{y + 0.72 * deep} 0,{y + deep}"
    mouth = symmetric(f"0,{y + 0.14 * deep} {wide},{y}! {low}")
    canvas.shape(mouth, "#a23a4c")
    canvas.plain(ellipse(0, y + deep, 0.6 * wide, 0.42 * deep), "#f08a8f", within=mouth)
    canvas.plain(ellipse(0, y + 0.02 * deep, 0.7 * wide, 0.28 * deep), "#ffffff", within=mouth)


def strokes(canvas: Canvas, width: float, colour: str, *curves: str) -> None:
    """Draw some open curves alike."""
    for curve in curves:
        canvas.stroke(curve, width, colour)


# ---- the girl


def girl(canvas: Canvas) -> Joints:
    """Tall and slim, with a ponytail, a dress and boots."""
    joints = {
        "root": (0, 398), "hip": (0, 398), "torso": (0, 290), "neck": (0, 222),
        "right_shoulder": (-36, 294), "right_elbow": (-74, 352), "right_hand": (-110, 406),
        "left_shoulder": (36, 294), "left_elbow": (76, 350), "left_hand": (116, 400),
        "right_hip": (-20, 402), "right_knee": (-28, 508), "right_foot": (-35, 612),
        "left_hip": (20, 402), "left_knee": (28, 508), "left_foot": (35, 612),
    }  # fmt: skip
    ponytail(canvas)
    girl_leg(canvas, joints, "right")
    girl_leg(canvas, joints, "left")
    arm(canvas, joints, "right", [11, 10, 8], GIRL_SKIN)
    arm(canvas, joints, "left", [11, 10, 8], GIRL_SKIN)
    canvas.shape(symmetric("13,250! 13,284!"), GIRL_SKIN[1])
    dress(canvas)
    girl_head(canvas)
    return joints


def ponytail(canvas: Canvas) -> None:
    """Behind the head, on the right in the picture."""
    tail = "46,150 86,124 122,146 136,200 126,250 146,290! 116,282 92,246 84,206 56,186"
    canvas.shape(spline(tail), "#6d4a94", "#543578", light=(-10, -3))
    strokes(canvas, 4, "#9a78c4", "92,142 112,166 116,206", "86,156 99,182 102,212")
    canvas.stroke("108,226 110,248 122,270", 2.2, "#45295f")


def girl_leg(canvas: Canvas, joints: Joints, side: str) -> None:
    """Leg and boot."""
    hip, knee, foot = (joints[f"{side}_{name}"] for name in ("hip", "knee", "foot"))
    canvas.shape(limb([hip, knee, foot], [17, 14, 11]), *GIRL_SKIN, light=(-5, 0))
    x, sign = (knee[0] + foot[0]) / 2, np.sign(hip[0])
    shaft = "-16,536! 18,536! 15,575 15,612 26,628 28,645! -17,645! -15,610 -14,575"
    boot = placed(spline(shaft), x, side=sign)
    canvas.shape(boot, "#a9643f", "#8a4c2f", light=(-7, -2))
    canvas.plain(
        placed(spline("-20,637! 32,637! 32,650! -20,650!"), x, side=sign), "#5e3526", within=boot
    )
    cuff = spline("-20,533! 0,536 21,533! 21,549! 0,552 -20,549!")
    canvas.shape(placed(cuff, x, side=sign), "#f9e7ca", "#e2c69c", light=(-7, -2))
    canvas.stroke([(x - 7, 562), (x - 6, 590), (x - 6, 610)], 3.5, "#c98660")


def dress(canvas: Canvas) -> None:
    """Puffed sleeves, bodice, pleated skirt with a hem, belt, collar and buttons."""
    red = ("#f2657c", "#d1465f")
    skirt = symmetric("27,366! 42,402 64,446 82,474! 66,484 50,481! 28,492 0,484")
    canvas.shape(skirt, *red, light=(-10, -2))
    pleats = "14,378! 30,430 50,484! 28,492! 20,440", "-8,378! -18,430 -24,492! -4,484! -6,440"
    for pleat in pleats:
        canvas.plain(spline(pleat), red[1], within=skirt)
    trim = symmetric("0,472 66,470 100,464! 100,470! 66,476 0,478")
    canvas.plain(trim, "#fff1e0", within=skirt)
    bodice = symmetric("18,278! 40,286! 38,318 29,342 27,368! 0,370")
    canvas.shape(bodice, *red, light=(-10, -2))
    sleeve = spline("26,284! 48,276 70,292 81,320! 66,336 47,343! 38,330 37,306")
    band = spline("76,313! 84,323! 70,340 50,350! 43,340! 64,330")
    for side in (-1, 1):
        canvas.shape(placed(sleeve, 0, side=side), *red, light=(-6, -5))
        canvas.shape(placed(band, 0, side=side), "#fff1e0", "#ecd2bf", light=(-4, -3))
    canvas.shape(symmetric("0,362 30,359! 31,374! 0,378"), "#ffd15c", "#e5ae38", light=(-8, 0))
    for y in (318, 339):
        canvas.shape(ellipse(0, y, 3), "#fff1e0", line="#b93a53")
    collar = spline("0,282! 14,272 32,284 26,303 10,300")
    for side in (-1, 1):
        canvas.shape(placed(collar, 0, side=side), "#fff8ee", "#ecd9cf", light=(-3, -3))


def girl_head(canvas: Canvas) -> None:
    """Face and fringe."""
    face = symmetric("0,150 48,160 60,200 55,234 32,259 0,268")
    canvas.shape(face, *GIRL_SKIN, light=(-5, -5))
    hair = spline(
        "-58,252! -72,205 -58,148 0,123 58,148 72,205 58,252! 56,212 47,182! 44,198!"
        " 24,178 14,156! 8,178 -14,198! -17,184! -30,198 -46,204! -52,196 -56,216"
    )
    canvas.plain(placed(hair, 2, 7), GIRL_SKIN[1], within=face)
    for side in (-1, 1):
        canvas.plain(ellipse(39 * side, 240, 10, 6), "#f8a9a2", within=face)
    strokes(canvas, 3, "#543578", "-38,198 -28,193 -16,196", "16,196 28,193 38,198")
    eyes(canvas, 25, 221, 15, "#45b5ab", "#1f7480", "1.22,-.3")
    canvas.stroke("-2,239 2,240", 2.4, "#d98c78")
    smile(canvas, 247, 11, 9)
    canvas.shape(hair, "#6d4a94", "#543578", light=(-6, -6))
    strokes(
        canvas, 5, "#9a78c4", "-49,168 -39,154 -25,146", "-15,142 -7,140", "37,151 47,162 53,175"
    )
    bow = spline("58,160! 52,132 60,116! 76,128 72,150! 92,152 100,168! 84,178 66,170!")
    canvas.shape(bow, "#ffd15c", "#e5ae38", light=(-5, -4))
    canvas.shape(ellipse(67, 159, 8), "#ffd15c", "#e5ae38", light=(-3, -3))


# ---- the boy


def boy(canvas: Canvas) -> Joints:
    """Short and chubby, with a big head, in dungarees; his right hand on his belly."""
    joints = {
        "root": (0, 546), "hip": (0, 546), "torso": (0, 434), "neck": (0, 366),
        "right_shoulder": (-60, 440), "right_elbow": (-114, 490), "right_hand": (-58, 512),
        "left_shoulder": (60, 440), "left_elbow": (112, 478), "left_hand": (154, 516),
        "right_hip": (-42, 552), "right_knee": (-47, 594), "right_foot": (-52, 636),
        "left_hip": (42, 552), "left_knee": (47, 594), "left_foot": (52, 636),
    }  # fmt: skip
    boy_leg(canvas, joints["right_knee"], joints["right_foot"])
    boy_leg(canvas, joints["left_knee"], joints["left_foot"])
    arm(canvas, joints, "left", [17, 15, 12], BOY_SKIN)
    shirt(canvas)
    boy_sleeve(canvas, 1)
    dungarees(canvas)
    arm(canvas, joints, "right", [17, 15, 12], BOY_SKIN)
    boy_sleeve(canvas, -1)
    boy_head(canvas)
    return joints


def boy_leg(canvas: Canvas, knee: Point, foot: Point) -> None:
    """Bare, with a sock and a shoe."""
    canvas.shape(limb([knee, foot], [20, 17]), *BOY_SKIN, light=(-6, 0))
    sock = placed(symmetric("19,620! 18,645!"), foot[0])
    canvas.shape(sock, "#ffffff", "#d8dceb", light=(-6, 0))
    side = np.sign(foot[0])
    half = "-24,632 0,627 24,631 38,641 43,658! -27,658!"
    shoe = placed(spline(half), foot[0], side=side)
    canvas.shape(shoe, "#e8504a", "#c03a3c", light=(-6, -3))
    sole = placed(spline("-40,650! 50,650! 50,670! -40,670!"), foot[0], side=side)
    canvas.plain(sole, "#fff6ea", within=shoe)
    for y in (635, 642):
        canvas.stroke([(foot[0] - 8 + side * 4, y), (foot[0] + 8 + side * 4, y)], 2.4, "#fff6ea")


def shirt(canvas: Canvas) -> None:
    """Yellow with white stripes."""
    body = symmetric("0,410 44,414 68,430 82,468 90,508 80,544 0,553")
    canvas.shape(body, "#ffd65a", "#eab238", light=(-12, 0))
    for y in (442, 464, 486):
        stripe = symmetric(f"100,{y - 6}! 100,{y + 3}! 0,{y + 8}")
        canvas.plain(stripe, "#fff6e0", within=body)


def boy_sleeve(canvas: Canvas, side: int) -> None:
    """Set in along a seam, with a turned-up end."""
    sleeve = spline("40,414! 66,420 92,438 114,462! 106,486 84,496! 78,470 62,438")
    canvas.shape(placed(sleeve, 0, side=side), "#ffd65a", "#eab238", light=(-8, -6))
    end = spline("106,452! 118,464! 108,492 86,502! 80,490! 98,480")
    canvas.shape(placed(end, 0, side=side), "#fff6e0", "#ead9b8", light=(-5, -4))


def dungarees(canvas: Canvas) -> None:
    """Straps, bib with a pocket, short trousers with turned-up ends."""
    blue = ("#4a7fc1", "#3763a0")
    for side in (-1, 1):
        canvas.shape(placed(spline("26,412! 42,412! 42,462! 28,462!"), 0, side=side), *blue)
    trousers = symmetric("0,492 50,490 92,482! 98,512 96,546 90,594! 20,594! 15,568! 0,566")
    canvas.shape([trousers, symmetric("40,452! 46,510!")], *blue, light=(-11, -3))
    strokes(canvas, 2.2, "#2c4f86", "0,528 0,560", "-90,492 -50,500", "50,500 90,492")
    pocket = symmetric("26,470! 24,494 0,502")
    canvas.shape(pocket, "#5b90d0", line="#2c4f86")
    for side in (-1, 1):
        canvas.shape(ellipse(33 * side, 460, 5), "#ffe08a", "#e5ae38", light=(-2, -2))
        end = spline("-30,584! 49,584! 50,600! -30,600!")
        canvas.shape(placed(end, 44 * side, side=side), "#8db8e8", "#6c98cc", light=(-10, 0))


def boy_head(canvas: Canvas) -> None:
    """Face, ears and tousled hair."""
    for side in (-1, 1):
        canvas.shape(ellipse(93 * side, 366, 14, 18), *BOY_SKIN, light=(-3, -3))
        canvas.stroke([(side * 95, 358), (side * 100, 366), (side * 95, 374)], 2, "#c9835c")
    face = symmetric("0,278 74,296 93,350 86,398 50,424 0,430")
    canvas.shape(face, *BOY_SKIN, light=(-7, -7))
    hair = spline(
        "-97,363! -107,308 -82,260 -86,238! -50,242 -22,232 -12,212! 8,232 46,234 74,250"
        " 96,244! 94,274 107,312 97,363! 86,330 80,310! 66,328! 54,312 48,300! 30,326!"
        " 12,312 6,298! -10,322 -34,330! -40,312! -56,328 -74,332! -80,316! -87,334"
    )
    canvas.plain(placed(hair, 3, 8), BOY_SKIN[1], within=face)
    for side in (-1, 1):
        canvas.plain(ellipse(61 * side, 394, 15, 9), "#f7a188", within=face)
        for x, y in ((54, 391), (62, 395), (68, 390)):
            canvas.plain(ellipse(x * side, y, 1.7), "#cf7a55")
    eyes(canvas, 38, 366, 20, "#9a6638", "#5f3822", "")
    canvas.plain(ellipse(0, 386, 7, 5), "#ee9c76")
    smile(canvas, 399, 24, 17)
    canvas.shape(hair, "#ec7c36", "#c65c24", light=(-8, -8))
    strokes(canvas, 6, "#ffb070", "-72,284 -58,268 -38,260", "-24,255 -14,253", "62,266 76,280")
    strokes(canvas, 4.5, "#9c4218", "-54,336 -40,328 -24,333", "24,333 40,328 54,336")


if __name__ == "__main__":
    main()
