"""A contact sheet of motions: stick figures from the front, from the side, and as a flat puppet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.puppet.motion.bvh import Bvh

__all__ = ["contact_sheet", "facing", "flat_puppet", "plane_of"]

CELL = (150, 210)
GROUND = 190
SCALE = 0.82  # pixels a centimetre
_COLOURS = {"Left": (40, 90, 220), "Right": (220, 70, 40)}
_MIDDLE = (60, 60, 60)
_LIMBS = {"legs": ("UpLeg", "Leg", "Foot"), "arms": ("Arm", "ForeArm", "Hand")}


def facing(bvh: Bvh, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the actor faces in each frame, on the ground: up x (left to right), ``(F, 3)``."""
    index = {name: i for i, name in enumerate(bvh.names)}
    across = np.zeros((len(places), 3))
    for pair in ("Arm", "UpLeg"):
        way = places[:, index[f"Right{pair}"]] - places[:, index[f"Left{pair}"]]
        across += way / np.linalg.norm(way, axis=1)[:, None]
    front = np.cross([0.0, 1.0, 0.0], across)
    return np.asarray(front / np.linalg.norm(front, axis=1)[:, None])


def _canonical(bvh: Bvh, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Joints against the hips, in axes left, up and front of the actor."""
    front = facing(bvh, places)
    left = np.cross([0.0, 1.0, 0.0], front)
    up = np.broadcast_to([0.0, 1.0, 0.0], front.shape)
    axes = np.stack([left, up, front], axis=1)
    return np.asarray(np.einsum("fij,fbj->fbi", axes, places - places[:, :1]))


def plane_of(bvh: Bvh, limbs: str) -> str:
    """The plane in which ``legs`` or ``arms`` move most, ``frontal`` or ``sagittal``."""
    canonical = _canonical(bvh, bvh.positions())
    chosen = [i for i, name in enumerate(bvh.names) if name[4:] in _LIMBS[limbs]
              or name[5:] in _LIMBS[limbs]]  # fmt: skip
    points = canonical[:, chosen].reshape(-1, 3)
    normal = np.linalg.eigh(np.cov(points.T))[1][:, 0]
    return "frontal" if abs(normal[2]) > abs(normal[0]) else "sagittal"


def flat_puppet(bvh: Bvh) -> NDArray[np.float64]:
    """Joints of a flat figure whose bones point as the actor's, seen in the plane of each limb.

    Returns:
        ``(F, B, 2)``, y up. All bones keep their lengths.
    """
    places = bvh.positions()
    canonical = _canonical(bvh, places)
    legs, arms = plane_of(bvh, "legs"), plane_of(bvh, "arms")
    flat = np.zeros((*canonical.shape[:2], 2))
    front = facing(bvh, places)
    side = front if legs == "sagittal" else np.cross([0.0, 1.0, 0.0], front)
    steps = np.diff(places[:, 0], axis=0, prepend=places[:1, 0])
    flat[:, 0, 0] = np.cumsum(np.einsum("fi,fi->f", steps, side))
    flat[:, 0, 1] = places[:, 0, 1]
    for joint, parent in enumerate(bvh.parents):
        if parent < 0:
            continue
        bone = canonical[:, joint] - canonical[:, parent]
        is_leg = any(word in bvh.names[joint] for word in ("Leg", "Foot", "Toe"))
        is_arm = any(word in bvh.names[joint] for word in ("Arm", "Hand"))
        plane = legs if is_leg else arms if is_arm else "frontal"
        if bvh.names[joint].endswith("UpLeg"):
            plane = "frontal"
        seen = bone[:, [2, 1]] if plane == "sagittal" else bone[:, :2]
        length = np.linalg.norm(seen, axis=1)[:, None]
        rest = np.linalg.norm(bvh.offsets[joint])
        flat[:, joint] = flat[:, parent] + rest * seen / np.maximum(length, 1e-9)
    return flat


def contact_sheet(motions: dict[str, Bvh], columns: int = 16) -> NDArray[np.uint8]:
    """A picture of motions: for each a row from the front, one from the side, one flat.

    Args:
        motions: By name.
        columns: How many moments of each are shown.

    Returns:
        RGB.
    """
    import cv2

    rows = []
    for name, bvh in motions.items():
        places = bvh.positions()
        shown = np.linspace(0, len(bvh), columns, endpoint=False).astype(int)
        views = {
            "front": places[..., :2],
            "side": places[..., [2, 1]],
            f"flat: legs {plane_of(bvh, 'legs')}, arms {plane_of(bvh, 'arms')}": flat_puppet(bvh),
        }
        for label, view in views.items():
            cells = [_figure(bvh, view, frame) for frame in shown]
            row = np.hstack(cells)
            text = f"{name} ({len(bvh) * bvh.frame_time:.1f} s), {label}"
            cv2.putText(row, text, (4, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1)
            rows.append(row)
    return np.vstack(rows).astype(np.uint8)


def _figure(bvh: Bvh, view: NDArray[np.float64], frame: int) -> NDArray[np.uint8]:
    import cv2

    width, height = CELL
    cell = np.full((height, width, 3), 250, np.uint8)
    cv2.rectangle(cell, (0, 0), (width - 1, height - 1), (220, 220, 220), 1)
    cv2.line(cell, (0, GROUND), (width, GROUND), (190, 190, 190), 1)
    reach = np.abs(view[:, 0, 0]).max()
    shift = view[frame, 0, 0] if reach > 60 else 0.0  # who walks out of his cell stays in it
    points = np.round([width / 2, GROUND] + SCALE * (view[frame] - [shift, 0.0]) * [1, -1]).astype(
        int
    )
    for joint, parent in enumerate(bvh.parents):
        if parent < 0:
            continue
        name = bvh.names[joint] if bvh.names[joint] in bvh.names[: joint + 1] else ""
        owner = name if name.startswith(("Left", "Right")) else bvh.names[parent]
        colour = next((c for side, c in _COLOURS.items() if owner.startswith(side)), _MIDDLE)
        a, b = points[parent].tolist(), points[joint].tolist()
        cv2.line(cell, a, b, colour, 2, cv2.LINE_AA)
        if owner == "Head" and name != "Head":
            cv2.circle(cell, ((np.array(a) + b) // 2).tolist(), 9, _MIDDLE, 1, cv2.LINE_AA)
    if shift:
        cv2.putText(
            cell, f"{shift:.0f}", (4, height - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (120,) * 3, 1
        )
    return cell
