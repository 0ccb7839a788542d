"""The meadow behind the girl and the boy of ``make_duo.py``, in soft colours without lines."""

from __future__ import annotations

import numpy as np
from duo_pen import FINER, HEIGHT, Canvas, Outline, ellipse, limb, placed, points, spline, symmetric
from PIL import ImageColor


def draw_scene(canvas: Canvas) -> None:
    """Draw it all, back to front."""
    for draw_thing in (sky, sun, clouds, hills, trees, meadow, flowers):
        draw_thing(canvas)


def sky(canvas: Canvas) -> None:
    """Blue above, nearly white at the horizon."""
    stops = np.array([ImageColor.getrgb(c) for c in ("#7cc4ee", "#b9e3f6", "#f6f8e6")], float)
    at = np.linspace(0, 1.5, HEIGHT * FINER).clip(0, 1)
    rows = np.stack([np.interp(at, (0, 0.55, 1), stops[:, k]) for k in range(3)], 1)
    canvas.pixels[:] = np.rint(rows).astype(np.uint8)[:, None]


def sun(canvas: Canvas) -> None:
    """A disc with two rings of light."""
    for radius, colour in ((82, "#a9daf2"), (62, "#d3eae0"), (43, "#ffeba6")):
        canvas.plain(ellipse(668, 112, radius), colour)


def clouds(canvas: Canvas) -> None:
    """Heaps of discs on a flat ground."""
    for x, y, size in ((170, 118, 1), (990, 92, 1.15), (722, 158, 0.62), (1240, 165, 0.6)):
        puffs = ((-62, 0, 26), (-28, -20, 36), (18, -30, 44), (60, -8, 32), (88, 4, 20))
        discs = [ellipse(x + size * dx, y + size * dy, size * r) for dx, dy, r in puffs]
        ends = [(x - 74 * size, y + 14 * size), (x + 92 * size, y + 14 * size)]
        discs.append(limb(ends, [12 * size] * 2))
        canvas.plain(discs, "#ffffff", "#e0f1fa", light=(-5 * size, -7 * size))


def hills(canvas: Canvas) -> None:
    """Three ranges, the nearer the greener, with a house and pines before the nearest."""
    ranges = (
        ("#bfe1da", "0,430 150,362 330,425 560,372 800,430 1040,345 1280,410"),
        ("#a3d7b2", "0,440 210,452 470,480 720,440 960,472 1280,418"),
        ("#8fcd84", "0,470 200,462 480,512 800,520 1090,486 1280,500"),
    )
    for colour, crest in ranges:
        if crest == ranges[-1][1]:
            house(canvas)
            pines(canvas)
        curve = spline(f"-120,460 {crest} 1400,440", closed=False)
        canvas.plain(np.concatenate([curve, [(1400, 720), (-120, 720)]]), colour)


def pines(canvas: Canvas) -> None:
    """Small ones on the hills."""
    for x, y, size in (
        (20, 484, 1.2), (60, 484, 0.85), (100, 480, 1), (226, 480, 0.8), (655, 500, 1),
        (694, 504, 1.3), (622, 502, 0.75), (1000, 500, 0.9), (1035, 496, 1.2),
    ):  # fmt: skip
        for step in range(3):
            low, half = y - 16 * step * size, (17 - 4 * step) * size
            tier = [(x, low - 26 * size), (x + half, low), (x - half, low)]
            canvas.plain(np.array(tier, float), "#7fbf94", "#74b58a", light=(-6 * size, 0))


def house(canvas: Canvas) -> None:
    """A cottage with a chimney, half behind the hill at the left."""

    def box(x: float, y: float, right: float, bottom: float) -> Outline:
        return np.array([(x, y), (right, y), (right, bottom), (x, bottom)], float)

    canvas.plain(box(180, 392, 192, 420), "#d3b8aa")
    canvas.plain(box(118, 424, 202, 480), "#eff0df", "#e2e5d0", light=(-8, 0))
    canvas.plain(np.array([(106, 430), (128, 396), (192, 396), (214, 430)]), "#dfafa0", "#d5a496")
    canvas.plain(box(130, 438, 148, 454), "#c3e0e2")
    canvas.plain(box(166, 438, 184, 454), "#c3e0e2")


def trees(canvas: Canvas) -> None:
    """Three round ones at the right, and bushes at their feet."""
    for x, y, size, colour, shade in (
        (1108, 512, 0.62, "#93cda0", "#86c294"),
        (1268, 520, 1.1, "#8cca8e", "#7fbf82"),
        (1186, 528, 0.9, "#94d18c", "#85c47f"),
    ):
        trunk = placed(symmetric("9,-130! 10,-40 22,0!") * size, x, y)
        canvas.plain(trunk, "#b3a78a", "#a69a7d", light=(-6 * size, 0))
        discs = ((-44, -150, 40), (-34, -202, 42), (4, -232, 46), (40, -196, 42), (44, -148, 38))
        leaves = [ellipse(*disc) for disc in (*discs, (0, -150, 46))]
        crown = [placed(leaf * size, x, y) for leaf in leaves]
        canvas.plain(crown, colour, shade, light=(-13 * size, -12 * size))
        for dx, dy in points("-30,-196 6,-232 -18,-150 30,-176"):
            mark = placed(
                np.array([(-12, 5), (-3, -4), (11, -4)]) * size, x + dx * size, y + dy * size
            )
            canvas.stroke(mark, 4 * size, "#a9dba3")
    bushes = ((1078, 520, 20), (1104, 512, 26), (1140, 520, 20), (1222, 524, 26), (1256, 520, 20))
    canvas.plain([ellipse(*disc) for disc in bushes], "#82c579", "#76ba6e", light=(-6, -6))


def meadow(canvas: Canvas) -> None:
    """The grass, and a sandy way on which the characters stand."""
    crest = spline("-120,560 200,548 640,560 1000,545 1400,560", closed=False)
    canvas.plain(np.concatenate([crest, [(1400, 720), (-120, 720)]]), "#7dc66a")
    way = "-120,622 200,606 640,616 1080,604 1400,616 1400,668 1000,674 560,684 100,672 -120,682"
    canvas.plain(spline(way), "#f0dcae", "#e0c897", light=(0, -7))
    pebbles = "90,640 236,656 300,630 590,642 668,660 735,628 1010,652 1110,630 1205,648"
    for x, y in points(pebbles):
        canvas.plain(ellipse(x, y, 7, 3.4), "#e0c897")


def flowers(canvas: Canvas) -> None:
    """And tufts of grass."""
    tufts = (
        "60,590 250,582 585,588 690,580 1010,585 1215,588"
        " 120,708 330,700 610,708 760,702 1110,700 1250,706"
    )
    for x, y in points(tufts):
        for lean in (-9, 0, 9):
            tip = (x + lean, y - 13 + abs(lean) / 3)
            canvas.stroke([(x + lean / 2, y), tip], 3.2, "#5caa56")
    spots = (
        "35,570 300,592 620,574 655,596 1060,590 1250,574"
        " 60,700 210,694 480,704 690,706 930,696 1180,694"
    )
    for number, (x, y) in enumerate(points(spots)):
        for angle in np.arange(5) * 2 * np.pi / 5:
            petal = ellipse(x + 5 * np.sin(angle), y - 5 * np.cos(angle), 3.6)
            canvas.plain(petal, ("#ffffff", "#ffd75e", "#f79ab0")[number % 3])
        canvas.plain(ellipse(x, y, 2.8), "#f2a93b")
