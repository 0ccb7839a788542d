"""Make the BVH files of our own motions: ``python -m apps.puppet.motions.make``.

With ``--sheet out.png`` it draws a contact sheet of them, to look at, and writes no files.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from apps.puppet.motion.bvh import Bvh, write_bvh
from apps.puppet.motions import choreography, gait, hops
from apps.puppet.motions.actor import SIDES, Pose, perform, reach
from apps.puppet.motions.curves import Loop
from cartoonedit.files import check_place

__all__ = ["ACTS", "make", "strain"]

ACTS: dict[str, Callable[[], tuple[Loop, Pose]]] = {
    "idle": choreography.idle,
    "wave": choreography.wave,
    "walk": gait.walk,
    "run": gait.run,
    "jump": hops.jump,
    "dance": choreography.dance,
    "nod": choreography.nod,
    "bow": choreography.bow,
    "sway": choreography.sway,
    "cheer": hops.cheer,
}
"""Each motion of ours, and what the actor does."""


def make(name: str) -> Bvh:
    """One of our motions, as its script says it."""
    loop, pose = ACTS[name]()
    return perform(pose, loop.frames)


def strain(name: str) -> float:
    """The largest distance of a foot that is asked of a leg, as a share of its length."""
    loop, pose = ACTS[name]()
    return max(float(reach(pose, side, loop.frames).max()) for side in SIDES)


def main(arguments: list[str] | None = None) -> None:
    """Write the files, or a sheet."""
    parser = argparse.ArgumentParser(prog="python -m apps.puppet.motions.make", description=__doc__)
    parser.add_argument("--sheet", type=Path, help="draw this contact sheet instead")
    parser.add_argument("--columns", type=int, default=16, help="moments of each motion in it")
    parser.add_argument("names", nargs="*", help="only these motions")
    chosen = parser.parse_args(arguments)
    motions = {name: make(name) for name in chosen.names or ACTS}
    if chosen.sheet is None:
        for name, bvh in motions.items():
            write_bvh(bvh, Path(__file__).with_name(f"{name}.bvh"))
        return
    import cv2

    from apps.puppet.motions.sheet import contact_sheet

    cv2.imwrite(str(check_place(chosen.sheet)), contact_sheet(motions, chosen.columns)[..., ::-1])


if __name__ == "__main__":
    main()
