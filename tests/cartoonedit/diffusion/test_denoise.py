"""The loop against diffusers' own pipelines, and what only the loop can do."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cartoonedit.diffusion import IMG2IMG, SCHEDULERS, load_pipeline, use_scheduler
from cartoonedit.diffusion.denoise import denoise
from cartoonedit.diffusion.latents import decode, encode
from cartoonedit.diffusion.predict import Conditions, tile_spans
from cartoonedit.diffusion.regions import Region
from cartoonedit.errors import Cancelled

pytestmark = pytest.mark.usefixtures("no_network")

ROWS, COLUMNS = 8, 16  # of latent cells
GUIDANCE, CONTROL, SEED = 7.0, 0.7, 5
Build = Callable[..., Path]


@pytest.fixture(scope="module", params=["sd15", "sdxl"])
def pipeline(request: Any, tiny_diffusion: Build, tiny_controlnet: Build) -> Any:
    model, controlnet = tiny_diffusion(request.param, 4), tiny_controlnet(request.param)
    return load_pipeline(model, IMG2IMG, device="cpu", controlnet=controlnet)


@pytest.fixture(scope="module")
def start(pipeline: Any) -> torch.Tensor:
    picture = np.random.default_rng(0).integers(0, 255, (8 * ROWS, 8 * COLUMNS, 3), np.uint8)
    return encode(pipeline, [picture])


LINES = torch.rand((1, 3, 8 * ROWS, 8 * COLUMNS), generator=torch.Generator().manual_seed(1))
NOISE = torch.randn((1, 4, ROWS, COLUMNS), generator=torch.Generator().manual_seed(SEED))
WHOLE = torch.ones(ROWS, COLUMNS)
LEFT = (torch.arange(COLUMNS) < 8).float().expand(ROWS, COLUMNS)


def words(pipeline: Any, prompt: str) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Embeddings of [negative, positive], and SDXL's summaries of them."""
    found = pipeline.encode_prompt(
        prompt,
        device="cpu",
        num_images_per_prompt=1,
        do_classifier_free_guidance=True,
        negative_prompt="dog",
    )
    text = torch.cat([found[1], found[0]])
    return text, torch.cat([found[3], found[2]]) if len(found) > 2 else None


def conditions(pipeline: Any, *regions: tuple[torch.Tensor, str], **others: Any) -> Conditions:
    encoded = [(weight, *words(pipeline, prompt)) for weight, prompt in regions]
    given: dict[str, Any] = {
        "pooled": encoded[0][2],
        "guidance": torch.full((1, 1, 1, 1), GUIDANCE),
        "control": LINES,
        "control_scale": torch.full((1, 1, 1, 1), CONTROL),
    }
    return Conditions([Region(weight, text) for weight, text, _ in encoded], **given | others)


def run(pipeline: Any, start: torch.Tensor, led: Conditions, **options: Any) -> torch.Tensor:
    settings = {"steps": 8, "strength": 0.75} | options
    return denoise(pipeline, start, NOISE.repeat(len(start), 1, 1, 1), led, **settings)


def diffusers_own(
    pipeline: Any, start: torch.Tensor, prompt: str, strength: float = 0.75, **options: Any
) -> torch.Tensor:
    return pipeline(
        prompt=prompt,
        negative_prompt="dog",
        image=start,
        control_image=LINES,
        strength=strength,
        generator=torch.Generator().manual_seed(SEED),
        output_type="latent",
        **{
            "num_inference_steps": 8,
            "guidance_scale": GUIDANCE,
            "controlnet_conditioning_scale": CONTROL,
        }
        | options,
        **({} if pipeline.unet.config.cross_attention_dim == 32 else {"height": 64, "width": 128}),
    ).images


@pytest.mark.slow
@pytest.mark.parametrize("name", ["DPM++ 2M Karras", "Euler", "DDIM", "UniPC", "Heun"])
@pytest.mark.parametrize("strength", [0.3, 0.75, 1.0])
def test_one_prompt_gives_what_diffusers_gives(
    pipeline: Any, start: torch.Tensor, name: str, strength: float
) -> None:
    use_scheduler(pipeline, name)
    try:
        wanted = diffusers_own(pipeline, start, "a cat", strength)
        got = run(pipeline, start, conditions(pipeline, (WHOLE, "a cat")), strength=strength)
    finally:
        use_scheduler(pipeline, "DPM++ 2M Karras")
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=0)


def test_without_guidance(pipeline: Any, start: torch.Tensor) -> None:
    text, pooled = words(pipeline, "a cat")
    led = Conditions(
        [Region(WHOLE, text[1:])],
        pooled=None if pooled is None else pooled[1:],
        control=LINES,
        control_scale=torch.full((1, 1, 1, 1), CONTROL),
    )
    wanted = diffusers_own(pipeline, start, "a cat", guidance_scale=1.0)
    torch.testing.assert_close(run(pipeline, start, led), wanted, atol=1e-5, rtol=0)


def test_without_a_controlnet(pipeline: Any, start: torch.Tensor, tiny_diffusion: Build) -> None:
    family = "sdxl" if hasattr(pipeline, "text_encoder_2") else "sd15"
    plain = load_pipeline(tiny_diffusion(family, 4), IMG2IMG, device="cpu")
    wanted = plain(
        prompt="a cat",
        negative_prompt="dog",
        image=start,
        strength=0.75,
        num_inference_steps=8,
        guidance_scale=GUIDANCE,
        generator=torch.Generator().manual_seed(SEED),
        output_type="latent",
    ).images
    for each in (plain, pipeline):  # one that has a ControlNet need not be shown lines
        led = conditions(each, (WHOLE, "a cat"), control=None)
        torch.testing.assert_close(run(each, start, led), wanted, atol=1e-5, rtol=0)


def test_a_union_of_controlnets_is_shown_line_art(
    tiny_diffusion: Build, tiny_controlnet: Build
) -> None:
    union = load_pipeline(
        tiny_diffusion("sdxl", 4),
        IMG2IMG,
        device="cpu",
        controlnet=tiny_controlnet("sdxl", union=True),
    )
    start = NOISE.flip(3)
    kinds = {}
    for kind in (3, 0):
        kinds[kind] = union(
            prompt="a cat",
            negative_prompt="dog",
            image=start,
            control_image=[LINES],
            control_mode=[kind],
            strength=0.75,
            num_inference_steps=8,
            guidance_scale=GUIDANCE,
            controlnet_conditioning_scale=CONTROL,
            generator=torch.Generator().manual_seed(SEED),
            output_type="latent",
        ).images
    got = run(union, start, conditions(union, (WHOLE, "a cat")))
    torch.testing.assert_close(got, kinds[3], atol=1e-5, rtol=0)
    assert (got - kinds[0]).abs().mean() > 1e-3
    regions = conditions(union, (LEFT, "a cat"), (1 - LEFT, "a bird"))
    assert (run(union, start, regions, tile=8) - got).abs().mean() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("name", SCHEDULERS)
def test_half_precision_stays_so(
    pipeline: Any, start: torch.Tensor, tiny_diffusion: Build, tiny_controlnet: Build, name: str
) -> None:
    """With every scheduler, in tiles, with places that join late and settings by place."""
    family = "sdxl" if hasattr(pipeline, "text_encoder_2") else "sd15"
    half = load_pipeline(
        tiny_diffusion(family, 4),
        IMG2IMG,
        device="cpu",
        dtype="bfloat16",
        controlnet=tiny_controlnet(family),
    )
    use_scheduler(half, name)
    led = conditions(
        half,
        (LEFT, "a cat"),
        (1 - LEFT, "a bird"),
        guidance=torch.full((1, 1, ROWS, COLUMNS), 3.0),
        control_scale=torch.full((1, 1, ROWS, COLUMNS), CONTROL),
    )
    seen: list[torch.dtype] = []
    half.unet.register_forward_pre_hook(lambda _, given: seen.append(given[0].dtype))
    begin = torch.where(LEFT > 0, 2.0, 0.0)[None, None]
    got = run(half, start, led, tile=8, begin=begin, on_step=lambda *_: None)
    assert set(seen) == {got.dtype} == {torch.bfloat16}
    assert bool(torch.isfinite(got).all())
    (shown,) = decode(half, got)
    assert shown.std() > 1


def test_18_of_24_steps(pipeline: Any, start: torch.Tensor) -> None:
    seen: list[tuple[int, int]] = []
    led = conditions(pipeline, (WHOLE, "a cat"))
    run(pipeline, start, led, steps=24, on_step=lambda step, steps, _: seen.append((step, steps)))
    assert seen == [(step, 18) for step in range(1, 19)]


def test_who_watches_sees_clean_latents(pipeline: Any, start: torch.Tensor) -> None:
    """At the scale of pictures all the way, and as they were where nothing has begun."""
    seen: list[torch.Tensor] = []
    led = conditions(pipeline, (WHOLE, "a cat"))
    begin = torch.where(LEFT > 0, 3.0, 0.0)[None, None]
    use_scheduler(pipeline, "Euler")
    try:
        got = run(pipeline, start, led, begin=begin, on_step=lambda *now: seen.append(now[2]))
    finally:
        use_scheduler(pipeline, "DPM++ 2M Karras")
    inside = LEFT[None, None].expand_as(start) > 0
    assert [torch.equal(each[inside], start[inside]) for each in seen] == [True] * 3 + [False] * 3
    torch.testing.assert_close(seen[-1], got, atol=0.05, rtol=0)
    assert seen[0].std() < 3 * got.std()


def test_regions_with_the_same_words_are_one(pipeline: Any, start: torch.Tensor) -> None:
    one = run(pipeline, start, conditions(pipeline, (WHOLE, "a cat")))
    for share in (LEFT, torch.full_like(LEFT, 0.25)):
        two = conditions(pipeline, (share, "a cat"), (1 - share, "a cat"))
        torch.testing.assert_close(run(pipeline, start, two), one, atol=1e-4, rtol=0)


def test_a_region_without_weight_does_not_count(pipeline: Any, start: torch.Tensor) -> None:
    one = run(pipeline, start, conditions(pipeline, (WHOLE, "a cat")))
    two = conditions(pipeline, (WHOLE, "a cat"), (0 * WHOLE, "something else"))
    assert torch.equal(run(pipeline, start, two), one)


def test_settings_by_place_that_are_all_the_same(pipeline: Any, start: torch.Tensor) -> None:
    one = run(pipeline, start, conditions(pipeline, (WHOLE, "a cat")))
    by_place = {
        "guidance": torch.full((1, 1, ROWS, COLUMNS), GUIDANCE),
        "control_scale": torch.full((1, 1, ROWS, COLUMNS), CONTROL),
    }
    same = run(pipeline, start, conditions(pipeline, (WHOLE, "a cat"), **by_place))
    torch.testing.assert_close(same, one, atol=1e-5, rtol=0)


def test_a_batch_is_its_pictures_one_by_one(pipeline: Any, start: torch.Tensor) -> None:
    prompts, guidance, control = ("a cat", "a bird"), (7.0, 3.0), (0.7, 0.2)
    starts = [start, start.flip(3)]
    singles = [
        run(
            pipeline,
            picture,
            conditions(
                pipeline,
                (WHOLE, prompt),
                guidance=torch.full((1, 1, 1, 1), one),
                control_scale=torch.full((1, 1, 1, 1), two),
            ),
        )
        for picture, prompt, one, two in zip(starts, prompts, guidance, control, strict=True)
    ]
    encoded = [words(pipeline, prompt) for prompt in prompts]
    pooled = None
    if encoded[0][1] is not None:
        pooled = torch.stack([each[1] for each in encoded], dim=1).flatten(0, 1)
    led = Conditions(
        [Region(WHOLE, torch.stack([each[0] for each in encoded], dim=1).flatten(0, 1))],
        pooled=pooled,
        guidance=torch.tensor(guidance).view(2, 1, 1, 1),
        control=LINES.repeat(2, 1, 1, 1),
        control_scale=torch.tensor(control).view(2, 1, 1, 1),
    )
    together = run(pipeline, torch.cat(starts), led)
    torch.testing.assert_close(together, torch.cat(singles), atol=1e-4, rtol=0)


def test_places_that_never_take_part_stay(pipeline: Any, start: torch.Tensor) -> None:
    begin = torch.zeros(1, 1, ROWS, COLUMNS)
    begin[..., :4] = math.inf
    led = conditions(pipeline, (WHOLE, "a cat"))
    got = run(pipeline, start, led, begin=begin)
    assert torch.equal(got[..., :4], start[..., :4])
    assert (got - start)[..., 4:].abs().mean() > 0.05


def test_places_that_join_late_are_changed_less(pipeline: Any, start: torch.Tensor) -> None:
    """All of them late is the same as a smaller strength."""
    led = conditions(pipeline, (WHOLE, "a cat"))
    # A multistep scheduler remembers a step of which nothing else is left; this one does not.
    use_scheduler(pipeline, "Euler")
    try:
        late = run(pipeline, start, led, strength=1.0, begin=torch.full((1, 1, ROWS, COLUMNS), 4.0))
        small = run(pipeline, start, led, strength=0.5)
    finally:
        use_scheduler(pipeline, "DPM++ 2M Karras")
    torch.testing.assert_close(late, small, atol=1e-4, rtol=0)


def test_tiles_that_see_everything_change_nothing(pipeline: Any, start: torch.Tensor) -> None:
    led = conditions(pipeline, (LEFT, "a cat"), (1 - LEFT, "a bird"))
    assert torch.equal(run(pipeline, start, led, tile=16), run(pipeline, start, led))


def test_tiles_agree_where_they_overlap(pipeline: Any, start: torch.Tensor) -> None:
    led = conditions(pipeline, (LEFT, "a cat"), (1 - LEFT, "a bird"))
    tiled, whole = run(pipeline, start, led, tile=8), run(pipeline, start, led)
    assert tiled.shape == whole.shape
    assert bool(torch.isfinite(tiled).all())
    middle = (tiled[..., 1:] - tiled[..., :-1]).abs().mean(dim=(0, 1, 2))
    assert middle.max() < 3 * middle.mean()  # no seam stands out
    assert not torch.equal(tiled, whole)


@pytest.mark.parametrize(
    ("length", "side", "spans"),
    [
        (8, None, [(0, 8)]),
        (8, 8, [(0, 8)]),
        (9, 8, [(0, 8), (1, 9)]),
        (16, 8, [(0, 8), (4, 12), (8, 16)]),
        (14, 8, [(0, 8), (6, 14)]),
    ],
)
def test_tile_spans(length: int, side: int | None, spans: list[tuple[int, int]]) -> None:
    assert tile_spans(length, side) == [slice(*span) for span in spans]


def test_stopped_between_steps(
    pipeline: Any, start: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stops at once, and the networks are as they were."""
    before = {name: type(each) for name, each in pipeline.unet.attn_processors.items()}

    def stop(step: int, steps: int, latents: torch.Tensor) -> None:
        assert latents.shape == start.shape
        if step == 2:
            raise Cancelled("enough")

    freed: list[None] = []
    monkeypatch.setattr(pipeline, "maybe_free_model_hooks", lambda: freed.append(None))
    led = conditions(pipeline, (WHOLE, "a cat"))
    with pytest.raises(Cancelled):
        run(pipeline, start, led, on_step=stop)
    assert len(freed) == 1
    assert {name: type(each) for name, each in pipeline.unet.attn_processors.items()} == before
    assert bool(torch.isfinite(run(pipeline, start, led)).all())
