"""Scenes as training examples."""

from __future__ import annotations

from segmentation.dataset.compose import Sources
from segmentation.dataset.loader import (
    CROPS,
    DetectorExamples,
    RefinerExamples,
    collate_detector,
    collate_refiner,
)
from segmentation.dataset.scenes import ComposedScenes


def test_detector_examples_batch(sources: Sources) -> None:
    examples = DetectorExamples(ComposedScenes(sources, 0), seed=0, batch=4, sizes=[64, 96])
    for start in (0, 4, 8):
        pictures, targets = collate_detector([examples[i] for i in range(start, start + 4)])
        assert pictures.shape[1:] in {(3, 64, 64), (3, 96, 96)}
        for target in targets:
            assert target.masks.shape[1:] == pictures.shape[2:]
            for box, mask in zip(target.boxes, target.masks, strict=True):
                x0, y0, x1, y1 = (int(v) for v in box)
                assert int(mask[y0:y1, x0:x1].sum()) == int(mask.sum())


def test_refiner_examples_are_crops_with_rough_masks(sources: Sources) -> None:
    examples = RefinerExamples(
        ComposedScenes(sources, 0, square=True),
        seed=0,
        batch=2,
        sizes=[64],
        canvas=96,
        box_hint=0.25,
        soft_rough=False,
    )
    for i in range(6):
        picture, rough, alpha = examples[i]
        count = len(picture)
        assert 1 <= count <= CROPS
        assert picture.shape == (count, 3, 64, 64)
        assert rough.shape == alpha.shape == (count, 1, 64, 64)
        assert set(rough.unique().tolist()) <= {0, int(255 * 0.25), 255}
        assert (alpha.amax((1, 2, 3)) > 127).all()
    pictures, roughs, alphas = collate_refiner([examples[0], examples[1]])
    assert len(pictures) == len(roughs) == len(alphas) == sum(len(examples[i][0]) for i in (0, 1))


def test_soft_rough_masks_keep_their_edges(sources: Sources) -> None:
    scenes = ComposedScenes(sources, 0, square=True)
    examples = RefinerExamples(scenes, seed=0, batch=2, sizes=[64], canvas=96)
    levels = {level for i in range(6) for level in examples[i][1].unique().tolist()}
    assert len(levels) > 20
