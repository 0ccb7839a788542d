"""Cut-outs and backgrounds that tests draw themselves."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np


def write_art(folder: Path, per_source: dict[str, int] | None = None) -> Path:
    """Draw round-headed figures with alpha and striped backgrounds, one folder per source."""
    rng = np.random.default_rng(7)
    for source, count in (per_source or {"blobs": 4, "dolls": 3}).items():
        place = folder / "foregrounds" / source
        place.mkdir(parents=True)
        for i in range(count):
            cv2.imwrite(str(place / f"{i}.png"), figure(rng))
    place = folder / "backgrounds" / "stripes"
    place.mkdir(parents=True)
    for i in range(3):
        stripes = np.repeat(rng.integers(0, 256, (12, 1, 3), dtype=np.uint8), 120, 1).repeat(8, 0)
        cv2.imwrite(str(place / f"{i}.png"), stripes)
    return folder


def figure(rng: np.random.Generator) -> np.ndarray:
    """A doll, BGRA 90x60."""
    doll = np.zeros((90, 60, 4), np.uint8)
    skin, dress = ((*(int(v) for v in rng.integers(40, 256, 3)), 255) for _ in range(2))
    cv2.ellipse(doll, (30, 65), (18, 24), 0, 0, 360, dress, -1, cv2.LINE_AA)
    cv2.circle(doll, (30, 25), 18, skin, -1, cv2.LINE_AA)
    for x in (23, 37):
        cv2.circle(doll, (x, 24), 3, (20, 20, 20, 255), -1, cv2.LINE_AA)
    return doll
