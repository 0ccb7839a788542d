"""faster-coco-eval, with sizes of our own choice and one mistake mended."""

from __future__ import annotations

import logging
import math
from typing import Literal

from faster_coco_eval import COCO, COCOeval_faster

from cartoonedit.runtime import cpu_count
from segmentation.evaluate.coco_files import Json

__all__ = ["SIZES", "CocoEval", "Sizes", "run_coco"]

logger = logging.getLogger(__name__)

Sizes = Literal["coco", "picture"]
SIZES: dict[Sizes, tuple[float, float]] = {"coco": (32**2, 96**2), "picture": (0.05, 0.15)}
"""Areas at which medium and large begin: in pixels, or as shares of the picture."""

BOUNDARY = 0.02
"""Width of a boundary as a share of the picture's diagonal (Cheng et al. 2021)."""
_ENDLESS = 1e10


class CocoEval(COCOeval_faster):
    """Right as well where a boundary is wider than the picture.

    In a picture that is at most two boundaries high nothing but boundary is left of any mask, but
    faster-coco-eval 1.8 gives that of a few pixels.
    """

    def _prepare(self) -> None:
        super()._prepare()
        if not self.params.compute_boundary:
            return
        thin = {number for number, image in self.cocoGt.imgs.items() if _is_thin(image)}
        for annotation in (*self.cocoGt.anns.values(), *self.cocoDt.anns.values()):
            if annotation["image_id"] in thin:
                annotation["boundary"] = annotation["rle"]


def _is_thin(image: Json) -> bool:
    diagonal = math.hypot(image["width"], image["height"])
    return bool(image["height"] <= 2 * max(1, round(BOUNDARY * diagonal)))


def run_coco(truth: Json, results: list[Json], iou_type: str, sizes: Sizes) -> CocoEval:
    """Evaluate; `eval` and `ious` of what is returned hold the outcome.

    Args:
        truth: Of `read_truth`.
        results: Of `read_results`.
        iou_type: `bbox`, `segm` or `boundary`.
        sizes: By what small, medium and large are told apart.
    """
    whole = {image["id"]: image["width"] * image["height"] for image in truth["images"]}

    def sized(annotation: Json) -> Json:
        share = 1 / whole[annotation["image_id"]] if sizes == "picture" else 1
        return {**annotation, "area": annotation["area"] * share}

    # Both classes write into what they are given.
    known = COCO({**truth, "annotations": [sized(a) for a in truth["annotations"]]})
    known.print_function = logger.debug
    found = known.loadRes([dict(result) for result in results])
    for loaded, own in zip(found.dataset["annotations"], results, strict=True):
        loaded["area"] = sized(own)["area"]  # loading made it that of the box
    medium, large = SIZES[sizes]
    run = CocoEval(
        known,
        found,
        iou_type,
        ranges={"small": [0, medium], "medium": [medium, large], "large": [large, _ENDLESS]},
        print_function=logger.debug,
        boundary_dilation_ratio=BOUNDARY,
        boundary_cpu_count=cpu_count(),
        rle_iou_max_workers=cpu_count(),
    )
    run.evaluate()
    run.accumulate()
    return run
