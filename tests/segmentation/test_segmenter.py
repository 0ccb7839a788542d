"""From pictures to Scenes: at parity with the reference, and sane with any picture and prompt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from cartoonedit.errors import Cancelled, InvalidInput, ModelNotFound
from cartoonedit.scene import Instance, Scene
from segmentation.segmenter import Segmenter, SegmentOptions

from .recipe import recipe_image


class Echo:
    """A refiner that returns the rough mask: what is asked for is what comes back."""

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, 3:]


def with_echo(segmenter: Segmenter) -> Segmenter:
    assert segmenter._refiner is not None
    segmenter._refiner = replace(segmenter._refiner, net=Echo())
    return segmenter


@pytest.fixture(scope="module")
def segmenter(tiny_model: Path) -> Segmenter:
    options = SegmentOptions(threshold=0.2, max_instances=6, duplicate_iou=1)
    return with_echo(Segmenter(tiny_model, device="cpu", options=options))


def picture(width: int, height: int, name: str = "a") -> NDArray[np.uint8]:
    return recipe_image(name, height, width)


def owners(scene: Scene) -> NDArray[np.int64]:
    """How many instances have any alpha at each pixel."""
    return np.sum([instance.mask > 0 for instance in scene], axis=0)


# Parity.


@pytest.mark.slow
@pytest.mark.parametrize("case", [0, 1])
def test_reference_end_to_end(shared: Path, reference_model: Path, case: int) -> None:
    with np.load(shared / f"fixtures/segmentation/e2e_nano{case}.npz") as stored:
        recorded = {name: stored[name] for name in stored.files}
    name, height, width = recorded["image_recipe"]
    shape = int(height), int(width)
    segmenter = Segmenter(
        reference_model, device="cpu", reference=True, detector_size=int(recorded["det_size"]),
        threshold=float(recorded["pred_score_thr"]), max_instances=int(recorded["max_instances"]),
    )  # fmt: skip
    bgr = recipe_image(str(name), *shape)
    scene = segmenter(np.ascontiguousarray(bgr[..., ::-1]))
    found = sorted(scene, key=lambda instance: -instance.score)
    # The reference allows 3e-4; other processors sum in other orders.
    assert [i.score for i in found] == pytest.approx(recorded["scores"].tolist(), abs=1e-4)
    bits = np.unpackbits(recorded["masks_packed"], axis=1)[:, : shape[0] * shape[1]]
    different = [
        float(((instance.mask >= 128) != row.reshape(shape).astype(bool)).mean())
        for instance, row in zip(found, bits, strict=True)
    ]
    # Random weights make of another rounding another mask, of some instances on some processors.
    assert sorted(different)[(len(different) - 1) // 2] <= 5e-4
    for instance, (x, y, w, h) in zip(found, recorded["bboxes_xywh"], strict=True):
        assert instance.box_xyxy is not None
        clipped = np.clip([x, y, x + w, y + h], 0, [*shape[::-1], *shape[::-1]])
        np.testing.assert_allclose(np.trunc(instance.box_xyxy), clipped, atol=1)


def test_folded_norms_find_the_same(tiny_model: Path) -> None:
    scene = Scene(picture(200, 160))
    (folded,), (exact,) = (
        Segmenter(tiny_model, device="cpu", reference=reference, max_instances=10)._found([scene])
        for reference in (False, True)
    )
    assert len(folded) == 10
    assert [r.score for r in folded] == pytest.approx([r.score for r in exact], abs=1e-5)


# Results.


def test_scene_of_soft_masks(segmenter: Segmenter, tmp_path: Path) -> None:
    Image.fromarray(picture(180, 120)).save(tmp_path / "a.png")
    scene = segmenter(tmp_path / "a.png")
    assert len(scene) >= 2 and scene.size_wh == (180, 120)
    assert scene.source == str(tmp_path / "a.png")
    centres = [instance.centre_xy[0] for instance in scene]
    assert centres == sorted(centres)
    assert owners(scene).max() == 1
    assert any(((i.mask > 0) & (i.mask < 255)).any() for i in scene)
    for instance in scene:
        assert 0.2 < instance.score <= 1
        x1, y1, x2, y2 = instance.box_xyxy or (0, 0, 0, 0)
        assert 0 <= x1 < x2 <= 180 and 0 <= y1 < y2 <= 120


def test_overlap_may_be_allowed(tiny_model: Path) -> None:
    segmenter = Segmenter(
        tiny_model, device="cpu", threshold=0.2, overlap=True, duplicate_iou=1, max_instances=8
    )
    assert owners(segmenter(picture(180, 120))).max() > 1


def test_snapped_masks_bring_their_boxes(tiny_model: Path) -> None:
    plain, snapping = (
        Segmenter(tiny_model, device="cpu", threshold=0.2, max_instances=4, snap=snap)
        for snap in (0.0, 1.0)
    )
    image = picture(180, 120)
    assert any(i.box_xyxy != _tight(i) for i in plain(image))
    scene = snapping(image)
    assert len(scene)
    for instance in scene:
        assert instance.box_xyxy == _tight(instance)
    (asked,) = snapping(image, boxes=[(10, 20, 90, 110)])
    assert asked.box_xyxy == (10, 20, 90, 110)


def _tight(instance: Instance) -> tuple[float, ...]:
    ys, xs = np.nonzero(instance.mask >= 128)
    return float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1)


SIZES = [(1, 1), (1, 90), (3, 2), (1200, 20), (64, 64), (1000, 700), (20, 2500)]


@pytest.mark.parametrize("refine", ["instance", "picture", "none"])
def test_any_size(tiny_model: Path, refine: str) -> None:
    segmenter = Segmenter(tiny_model, device="cpu", threshold=0.1, refine=refine, max_instances=3)
    for size_wh in SIZES:
        scene = segmenter(picture(*size_wh))
        assert scene.size_wh == size_wh
        assert not len(scene) or owners(scene).max() == 1


def test_12000_by_200(segmenter: Segmenter) -> None:
    assert segmenter(np.zeros((200, 12_000, 3), np.uint8)).size_wh == (12_000, 200)


def test_batches_equal_single_pictures_and_share_forward_passes(
    segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [picture(w, h, f"p{w}") for w, h in ((120, 90), (90, 120), (64, 64), (200, 30))]
    single = [segmenter(p) for p in pictures]
    passes: list[int] = []
    net = segmenter._detector.net

    def counted(x: torch.Tensor) -> Any:
        passes.append(len(x))
        return net(x)

    monkeypatch.setattr(segmenter, "_detector", replace(segmenter._detector, net=counted))
    batched = list(segmenter.batch(pictures))
    assert passes == [4]
    for one, many in zip(single, batched, strict=True):
        assert len(one) == len(many)
        for a, b in zip(one, many, strict=True):
            assert a.score == pytest.approx(b.score, abs=1e-4)
            assert ((a.mask >= 128) != (b.mask >= 128)).mean() < 1e-2


def test_a_scene_keeps_its_source_and_loses_its_instances(segmenter: Segmenter) -> None:
    before = Scene(picture(80, 60), [Instance(np.full((60, 80), 255, np.uint8))], source="x.png")
    after = segmenter(before)
    assert after.source == "x.png" and after.meta["segmenter"]["refine"] == "instance"
    assert all(i.score < 1 for i in after)


def test_nothing_found(tiny_model: Path) -> None:
    assert len(Segmenter(tiny_model, device="cpu", threshold=1.0)(picture(50, 40))) == 0


def test_progress_and_cancelling(segmenter: Segmenter) -> None:
    seen: list[tuple[int, int]] = []
    scene = segmenter(picture(180, 120), progress=lambda step, total, _: seen.append((step, total)))
    total = seen[-1][1]
    assert seen[0] == (0, 0) and seen[-1] == (total, total) and total >= len(scene)

    def cancel(step: int, total: int, message: str) -> None:
        if step == 1:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        segmenter(picture(180, 120), progress=cancel)
    with pytest.raises(Cancelled):
        list(segmenter.batch([picture(50, 40)] * 2, progress=cancel))


# A person's prompts.


@pytest.fixture
def echo(tiny_model: Path) -> Segmenter:
    return with_echo(Segmenter(tiny_model, device="cpu"))


def test_boxes(echo: Segmenter) -> None:
    scene = echo(picture(160, 120), boxes=[(100, 20, 150, 90.5), [-20, 30, 60, 500]])
    asked = [(0, 30, 60, 120), (100, 20, 150, 90.5)]
    assert [i.box_xyxy for i in scene] == asked
    assert [i.score for i in scene] == [1, 1]
    for instance, (x1, y1, x2, y2) in zip(scene, asked, strict=True):
        box = np.zeros((120, 160), bool)
        box[int(y1) : int(np.ceil(y2)), int(x1) : int(x2)] = True
        inside = instance.mask >= 128
        assert (inside & box).sum() / (inside | box).sum() > 0.95
    assert len(echo(picture(160, 120), boxes=(1, 2, 50, 60))) == 1
    assert len(echo(picture(160, 120), boxes=np.zeros((0, 4)))) == 0
    assert len(echo(picture(160, 120), boxes=[])) == 0


def test_points_take_a_character_or_their_surroundings(echo: Segmenter) -> None:
    scene = echo(picture(160, 120), points=[(30, 40), (130, 100)])
    assert 1 <= len(scene) <= 2
    assert all(i.score == 1 for i in scene)
    blank = np.full((100, 200, 3), 128, np.uint8)
    echo._detect = lambda *_: [_Nothing()]  # type: ignore[method-assign, list-item, return-value]
    (only,) = echo(blank, points=(150, 50))
    assert only.mask[50, 150] == 255 and only.bounds_xyxy[0] > 120


class _Nothing:
    def __len__(self) -> int:
        return 0


def test_masks(echo: Segmenter, tmp_path: Path) -> None:
    mask = np.zeros((120, 160), bool)
    mask[20:80, 30:90] = True
    other = np.zeros((120, 160), np.uint8)
    other[90:110, 100:150] = 200
    Image.fromarray(other).save(tmp_path / "other.png")
    image = picture(160, 120)
    for form in (mask, mask[None], [mask], [mask.astype(np.uint8) * 255], [mask.astype(float)]):
        (instance,) = echo(image, masks=form)
        assert ((instance.mask >= 128) != mask).mean() < 0.02
    scene = echo(image, masks=[mask, tmp_path / "other.png"], boxes=[(0, 0, 20, 20)])
    assert len(scene) == 3


def test_near_duplicates_that_a_person_asked_for_stay(echo: Segmenter) -> None:
    scene = echo(picture(160, 120), boxes=[(10, 10, 80, 100), (10, 10, 81, 101)])
    assert len(scene) == 1  # nothing is left of the second: every pixel of the first is its own
    echo.options = SegmentOptions(overlap=True)
    assert len(echo(picture(160, 120), boxes=[(10, 10, 80, 100), (10, 10, 81, 101)])) == 2


WRONG_PROMPTS: list[tuple[dict[str, Any], str]] = [
    ({"boxes": [(1, 2, 3)]}, r"\(N, 4\)"),
    ({"boxes": "box"}, "boxes must be"),
    ({"boxes": [(50, 10, 20, 40)]}, "left < right"),
    ({"boxes": [(500, 10, 520, 40)]}, "inside of the picture"),
    ({"boxes": [(0, 0, float("nan"), 4)]}, "finite"),
    ({"points": [(1, 2, 3)]}, r"\(N, 2\)"),
    ({"points": [(160, 5)]}, "outside of the picture"),
    ({"points": [(-1, 5)]}, "outside of the picture"),
    ({"masks": [np.zeros((120, 160), bool)]}, "no inside pixel"),
    ({"masks": [np.ones((50, 160), bool)]}, "50"),
    ({"masks": ["nowhere.png"]}, "nowhere"),
    ({"masks": [3]}, "must be a path"),
]


@pytest.mark.parametrize("prompt, message", WRONG_PROMPTS)
def test_wrong_prompts(echo: Segmenter, prompt: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        echo(picture(160, 120), **prompt)


# Loading.


WRONG_OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"threshold": 1.5}, "threshold"),
    ({"max_instances": 0}, "max_instances"),
    ({"refine": "yes"}, "instance, picture, none"),
    ({"runtime": "tensorrt"}, "torch, onnx"),
    ({"detector_size": 100}, "multiple of 32"),
    ({"refine_size": 10}, "at least 32"),
    ({"colour": 1}, "no option 'colour'"),
    ({"duplicate_iou": -1}, "duplicate_iou"),
]


@pytest.mark.parametrize("options, message", WRONG_OPTIONS)
def test_wrong_options(tiny_model: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Segmenter(tiny_model, device="cpu", **options)


def test_models_that_are_not_there(tmp_path: Path, no_network: None) -> None:
    with pytest.raises(InvalidInput, match="catalogue"):
        Segmenter("cartoonseg-xxl")
    with pytest.raises(ModelNotFound):
        Segmenter(tmp_path / "nothing.safetensors")
    with pytest.raises(InvalidInput, match="one detector"):
        Segmenter(tmp_path)


def test_files_in_the_wrong_place(tiny_model: Path) -> None:
    detector, refiner = tiny_model / "rtmdet.safetensors", tiny_model / "isnet.safetensors"
    with pytest.raises(InvalidInput, match="has no refiner"):
        Segmenter(detector, device="cpu")
    with pytest.raises(InvalidInput, match=r"IS-Net.*a detector"):
        Segmenter(refiner, refiner=refiner, device="cpu")
    with pytest.raises(InvalidInput, match=r"RTMDet-Ins nano; a refiner"):
        Segmenter(detector, refiner=detector, device="cpu")
    assert Segmenter(detector, device="cpu", refine="none").options.refine == "none"
    both = Segmenter(detector, refiner=refiner, device="cpu")
    assert both(picture(99, 80)).size_wh == (99, 80)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_cuda_agrees_with_the_cpu(tiny_model: Path) -> None:
    scenes = [
        Segmenter(tiny_model, device=d, threshold=0.2, refine="none")(picture(180, 120))
        for d in ("cpu", "cuda")
    ]
    assert len(scenes[0]) == len(scenes[1])
