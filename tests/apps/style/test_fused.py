from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from apps.style import PartOptions
from cartoonedit.errors import InvalidInput
from cartoonedit.lineart import draw_lines
from cartoonedit.scene import Instance, Scene
from tests.apps.style.conftest import MakeEditor, Seen


def plain(pipeline: Any, scene: Scene, prompt: str, negative: str, **options: Any) -> np.ndarray:
    """The picture by diffusers' own pipeline, from latents that hold no randomness."""
    values = pipeline.image_processor.preprocess(scene.picture[None].astype(np.float32) / 255)
    latents = pipeline.vae.encode(values).latent_dist.mode() * pipeline.vae.config.scaling_factor
    lines = torch.from_numpy(draw_lines(scene.picture)).float()[None, None].repeat(1, 3, 1, 1) / 255
    result = pipeline(
        prompt=prompt,
        negative_prompt=negative,
        image=latents.detach(),
        control_image=lines,
        num_inference_steps=4,
        strength=0.75,
        guidance_scale=7.0,
        controlnet_conditioning_scale=1.0,
        generator=torch.Generator().manual_seed(0),
        output_type="np",
        **options,
    ).images[0]
    return np.rint(255 * result).astype(np.uint8)


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
@pytest.mark.parametrize("mode", ["per-instance", "fused"])
def test_one_instance_that_covers_all_is_the_plain_pipeline(
    make_editor: MakeEditor, square_scene: Scene, seen: Seen, family: str, mode: str
) -> None:
    styled = make_editor(family, mode=mode, only=["character-1"], negative="bad")(square_scene)
    prompt, negative = next(pair for pair in seen.prompts if pair[0] == "ink, hat")
    pipeline = seen.calls[0]["pipeline"]
    size = {} if family == "sd15" else {"height": 64, "width": 64}
    wanted = plain(pipeline, square_scene, prompt, negative, **size)
    assert np.abs(styled.picture.astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_global_only_is_the_plain_pipeline_with_the_style_alone(
    make_editor: MakeEditor, tagged_scene: Scene, seen: Seen, family: str
) -> None:
    square = Scene(np.pad(tagged_scene.picture, ((0, 16), (0, 0), (0, 0)), mode="edge"))
    masks = [np.pad(one.mask, ((0, 16), (0, 0))) for one in tagged_scene]
    square = square.with_instances([type(tagged_scene[0])(mask) for mask in masks])
    styled = make_editor(family, global_only=True, negative="bad")(square)
    ((prompt, negative),) = seen.prompts
    assert prompt == "ink"
    size = {} if family == "sd15" else {"height": 64, "width": 64}
    wanted = plain(seen.calls[0]["pipeline"], square, prompt, negative, **size)
    assert np.abs(styled.picture.astype(int) - wanted).max() <= 1


def test_one_pass_for_all(make_editor: MakeEditor, tagged_scene: Scene, seen: Seen) -> None:
    make_editor(mode="fused", steps=24)(tagged_scene)
    (call,) = seen.calls
    assert len(seen.lines) == 18
    regions = call["conditions"].regions
    assert len(regions) == 3
    torch.testing.assert_close(sum(region.weight for region in regions), torch.ones(8, 8))
    assert call["begin"] is None
    assert {prompt for prompt, _ in seen.prompts} == {
        "ink", "ink, red hair, 1girl", "ink, blue hair",
    }  # fmt: skip


def test_what_is_not_edited_is_held(
    make_editor: MakeEditor, tagged_scene: Scene, seen: Seen
) -> None:
    make_editor(mode="fused", only=["character-1"])(tagged_scene)
    (call,) = seen.calls
    held = torch.isinf(call["begin"][0, 0])
    assert held.any()
    assert not held.all()
    assert torch.equal(call["result"][..., held], call["start"][..., held])


def test_parts_join_by_their_strength(
    make_editor: MakeEditor, tagged_scene: Scene, seen: Seen
) -> None:
    own = {"character-1": PartOptions(strength=0.5), "background": PartOptions(skip=True)}
    make_editor(mode="fused", steps=8)(tagged_scene, own)
    (call,) = seen.calls
    assert call["strength"] == 0.75
    # 6 steps are run, of which the first character takes part in the last 4.
    assert set(call["begin"].unique().tolist()) == {0.0, 2.0, math.inf}


def test_settings_by_place(make_editor: MakeEditor, tagged_scene: Scene, seen: Seen) -> None:
    own = {"character-2": PartOptions(guidance=2.0, control=0.0, seed=4)}
    make_editor(mode="fused")(tagged_scene, own)
    call = seen.calls[0]
    conditions = call["conditions"]
    assert conditions.guidance.shape == (1, 1, 8, 8)
    assert conditions.guidance.min() < 3
    assert conditions.guidance.max() == pytest.approx(7)
    assert conditions.control_scale.min() < 0.2
    fields = [
        torch.randn((1, 4, 8, 8), generator=torch.Generator().manual_seed(seed)) for seed in (0, 4)
    ]
    from_one, from_other = ((call["noise"] == each).all(dim=1) for each in fields)
    assert (from_one | from_other).all()
    assert from_one.any()
    assert from_other.any()


def test_parts_with_different_loras_cannot_share_a_pass(
    make_editor: MakeEditor, tagged_scene: Scene
) -> None:
    with pytest.raises(InvalidInput, match="per-instance"):
        make_editor(mode="fused")(
            tagged_scene, {"character-1": PartOptions(lora=["one.safetensors"])}
        )


def test_a_part_of_few_pixels_in_a_large_picture(make_editor: MakeEditor, seen: Seen) -> None:
    """A cell of latents shows a thousand pixels of it, and yet the part is translated."""
    picture = np.random.default_rng(0).integers(0, 255, (256, 256, 3), np.uint8)
    mask = np.zeros((256, 256), np.uint8)
    mask[100, 100:103] = 255
    scene = Scene(picture, [Instance(mask)], plate=picture)
    make_editor(mode="fused", side=64, max_side=64, only=["character-1"], steps=2)(scene)
    (call,) = seen.calls
    begin = call["begin"][0, 0]
    assert begin.shape == (8, 8)
    assert (begin == 0).sum() == 1
    moved = (call["result"] != call["start"]).any(dim=1)[0]
    assert moved.tolist() == (begin == 0).tolist()
