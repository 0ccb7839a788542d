from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub import constants

from cartoonedit.diffusion import INPAINT, load_pipeline, words
from cartoonedit.errors import Cancelled, CartooneditError, InvalidInput, ModelNotFound
from cartoonedit.inpaint import LatentInpainter, inpaint, make_plate
from cartoonedit.inpaint.patchmatch import patchmatch_fill
from cartoonedit.inpaint.regions import grow
from cartoonedit.instance import Tag
from cartoonedit.scene import Instance, Scene
from prompts import negative_prompt
from tests.cartoonedit.inpaint.pictures import disc, noise, stripes

Build = Callable[..., Path]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_network")]

TAGS = [Tag("night_sky", 0.7), Tag("1girl", 0.99), Tag("tree", 0.8), Tag("hatsune_miku", 0.9,
        "character"), Tag("general", 0.9, "rating"), Tag("moon_(object)", 0.5)]  # fmt: skip


@pytest.fixture
def quick(tiny_diffusion: Build) -> LatentInpainter:
    """Two steps of a tiny model, without tags."""
    return LatentInpainter(
        model=tiny_diffusion(), steps=2, strength=1.0, tagger=None, device="cpu", max_side=64
    )


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, quick: LatentInpainter) -> list[dict[str, Any]]:
    """What the pipeline of ``quick`` is called with."""
    seen: list[dict[str, Any]] = []
    pipeline_class = type(load_pipeline(quick.model, INPAINT, device="cpu"))
    original = pipeline_class.__call__

    def spy(self: Any, **arguments: Any) -> Any:
        seen.append(arguments)
        return original(self, **arguments)

    monkeypatch.setattr(pipeline_class, "__call__", spy)
    return seen


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The prompts and negative prompts that are encoded."""
    seen: list[tuple[str, str]] = []
    original = words.encode_pair

    def spy(pipeline: Any, prompt: str, negative: str) -> words.Encoded:
        seen.append((prompt, negative))
        return original(pipeline, prompt, negative)

    monkeypatch.setattr(words, "encode_pair", spy)
    return seen


@pytest.mark.parametrize(
    ("family", "channels"), [("sd15", 9), ("sd15", 4), ("sdxl", 9), ("sdxl", 4)]
)
def test_the_papers_steps_and_not_a_bit_outside(
    tiny_diffusion: Build, family: str, channels: int
) -> None:
    seen: list[tuple[int, int]] = []
    fill = LatentInpainter(
        model=tiny_diffusion(family, channels),
        tagger=None,
        device="cpu",
        max_side=64,
        progress=lambda step, total, message: seen.append((step, total)),
    )
    picture, mask = stripes(), disc()
    result = inpaint(picture, mask, fill)
    assert seen == [(step, 24) for step in range(25)]  # 0.75 of 32
    np.testing.assert_array_equal(result[mask == 0], picture[mask == 0])
    assert (result[mask > 0] != patchmatch_fill(picture, mask > 0, 0)[mask > 0]).any()


def test_the_model_is_shown_the_patchmatch_fill(
    quick: LatentInpainter, calls: list[dict[str, Any]]
) -> None:
    picture, mask = stripes(64, 64), disc(64, 64, 12)
    inpaint(picture, mask, quick)
    np.testing.assert_array_equal(
        np.asarray(calls[0]["image"]), patchmatch_fill(picture, mask > 0, 0)
    )
    shown_mask = np.asarray(calls[0]["mask_image"]) > 0
    assert shown_mask[mask > 0].all()
    cells = shown_mask.reshape(8, 8, 8, 8).transpose(0, 2, 1, 3).reshape(64, 64)
    assert (cells.all(axis=1) == cells.any(axis=1)).all()  # all of a latent pixel or nothing


class TestWords:
    def test_tags_of_the_fill_and_the_fixed_negative_prompt(
        self, quick: LatentInpainter, encoded: list[tuple[str, str]]
    ) -> None:
        tagged: list[np.ndarray] = []

        def tagger(image: np.ndarray) -> list[Tag]:
            tagged.append(image)
            return TAGS

        picture, mask = stripes(), disc()
        inpaint(picture, mask, replace(quick, tagger=tagger, prompt="oil painting"))
        prompt = r"oil painting, tree, night sky, moon \(object\)"
        assert encoded == [(prompt, negative_prompt("background"))]
        np.testing.assert_array_equal(tagged[0], patchmatch_fill(picture, mask > 0, 0))

    @pytest.mark.parametrize("negative", ["fog", ""])
    def test_own_negative_prompt(
        self, quick: LatentInpainter, encoded: list[tuple[str, str]], negative: str
    ) -> None:
        inpaint(stripes(), disc(), replace(quick, negative=negative))
        assert encoded == [("", negative)]

    @pytest.mark.parametrize("family", ["sd15", "sdxl"])
    def test_a_prompt_of_any_length_is_seen_to_its_end(
        self, tiny_diffusion: Build, quick: LatentInpainter, family: str
    ) -> None:
        fill = replace(quick, model=tiny_diffusion(family), negative="fog")
        long = "a" * 200  # tokens
        day, again, night = (
            inpaint(stripes(), disc(), replace(fill, prompt=f"{long}, {time}"))
            for time in ("day", "day", "night")
        )
        np.testing.assert_array_equal(day, again)
        assert (day != night).any()

    def test_without_the_tagger_of_the_catalogue_it_goes_on(
        self,
        quick: LatentInpainter,
        encoded: list[tuple[str, str]],
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
    ) -> None:
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
        inpaint(stripes(), disc(), replace(quick, tagger="wd-v1-4-swinv2-tagger-v2", prompt="sea"))
        warnings = [record for record in caplog.records if record.name.startswith("cartoonedit")
                    and record.levelno == logging.WARNING]  # fmt: skip
        assert len(warnings) == 1 and "models fetch wd-v1-4" in warnings[0].getMessage()
        assert encoded == [("sea", negative_prompt("background"))]

    def test_a_tagger_that_was_named_by_path_must_be_there(
        self, quick: LatentInpainter, tmp_path: Path
    ) -> None:
        with pytest.raises(ModelNotFound):
            inpaint(stripes(), disc(), replace(quick, tagger=tmp_path / "none"))


def test_same_seed_same_bytes(quick: LatentInpainter) -> None:
    first, again, other = (inpaint(stripes(), disc(), quick, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("max_side", [64, 96])
def test_large_pictures_are_worked_on_in_tiles(
    quick: LatentInpainter, calls: list[dict[str, Any]], max_side: int
) -> None:
    picture, mask = stripes(203, 401), np.zeros((203, 401), np.uint8)
    mask[60:140, 50:350] = 255
    result = inpaint(picture, mask, replace(quick, max_side=max_side))
    np.testing.assert_array_equal(result[mask == 0], picture[mask == 0])
    assert len(calls) > 2
    for call in calls:
        assert call["width"] <= max_side and call["height"] <= max_side
        assert call["width"] % 8 == call["height"] % 8 == 0
        assert np.asarray(call["mask_image"]).any()


@pytest.mark.parametrize("size", [(1, 3), (3, 16), (33, 21), (5, 130), (65, 70)])
def test_any_size(quick: LatentInpainter, size: tuple[int, int]) -> None:
    picture, mask = noise(*size), np.ones(size, np.uint8)
    mask[:, 0] = 0
    result = inpaint(picture, mask, quick)
    np.testing.assert_array_equal(result[mask == 0], picture[mask == 0])
    assert result.shape == picture.shape


@pytest.mark.parametrize(
    ("size", "max_side", "shown"),
    [
        ((32, 32), None, (64, 64)),  # enlarged to what the model was trained at
        ((120, 81), None, (120, 88)),  # as it is, with whole latent pixels
        ((200, 150), 100, (96, 80)),  # reduced by 2 at most, and in tiles
    ],
)
def test_the_size_suits_the_model(
    quick: LatentInpainter,
    calls: list[dict[str, Any]],
    size: tuple[int, int],
    max_side: int | None,
    shown: tuple[int, int],
) -> None:
    mask = np.zeros(size[::-1], np.uint8)
    mask[8:-8, 8:-8] = 1
    inpaint(noise(*size[::-1]), mask, replace(quick, max_side=max_side))
    assert (calls[0]["width"], calls[0]["height"]) == shown


def test_it_can_be_cancelled_between_steps_and_used_again(quick: LatentInpainter) -> None:
    def stop(step: int, total: int, message: str) -> None:
        assert total == 2
        if step == 1:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        inpaint(stripes(), disc(), quick, progress=stop)
    assert inpaint(stripes(), disc(), quick).shape == (72, 96, 3)


def test_lack_of_memory(quick: LatentInpainter, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = load_pipeline(
        quick.model, INPAINT, device="cpu", dtype=quick.dtype, offload=quick.offload
    )

    def fail(*args: Any, **kwargs: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB")

    monkeypatch.setattr(pipeline.unet, "forward", fail)
    with pytest.raises(CartooneditError, match=r"9 GiB.*offload.*max_side.*dtype"):
        inpaint(stripes(), disc(), quick)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"strength": 0}, "strength"),
        ({"strength": 1.5}, "strength"),
        ({"steps": 1}, "at least 2 steps"),
        ({"steps": 1000}, "from 1 to 200; got 1000"),
        ({"max_side": 8}, "max_side"),
        ({"offload": "disk"}, "none, model, group, sequential"),
    ],
)
def test_wrong_options(options: dict[str, Any], word: str) -> None:
    with pytest.raises(InvalidInput, match=word):
        LatentInpainter(**options)


@pytest.mark.parametrize(
    ("model", "error"), [("own/model", ModelNotFound), ("model.ckpt", InvalidInput)]
)
def test_models_that_cannot_be_used(model: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        inpaint(stripes(), disc(), LatentInpainter(model=model, device="cpu"))


def test_a_plate_and_a_scene(quick: LatentInpainter) -> None:
    picture, mask = stripes(), disc()
    seen: list[int] = []
    plate = make_plate(picture, [mask], quick, progress=lambda step, total, message:
                       seen.append(step))  # fmt: skip
    assert seen == [0, 1, 2]
    far = ~grow(mask > 0, 2)
    np.testing.assert_array_equal(plate[far], picture[far])
    scene = Scene(picture, [Instance(mask)], inpainter=quick)
    assert scene.inpainter == "latent-diffusion"
    np.testing.assert_array_equal(scene.plate, plate)


def test_no_hole_needs_no_model() -> None:
    empty = np.zeros((8, 8), bool)
    image = noise(8, 8)
    result = LatentInpainter(model="no/model")(image, empty, 0)
    np.testing.assert_array_equal(result, image)
    assert result is not image
