from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from diffusers import DPMSolverMultistepScheduler

from apps.style import PartOptions
from apps.style.windows import fit_window, whole_window
from cartoonedit.errors import InvalidInput
from cartoonedit.lineart import draw_lines
from cartoonedit.scene import Instance, Scene
from tests.apps.style.conftest import MakeEditor, Seen

pytestmark = pytest.mark.slow

CHARACTERS = ["character-1", "character-2"]


def test_every_part_gets_its_own_words(
    make_editor: MakeEditor, tagged_scene: Scene, seen: Seen
) -> None:
    make_editor()(tagged_scene)
    prompts = {prompt for prompt, _ in seen.prompts}
    assert prompts == {"ink", "ink, red hair, 1girl", "ink, blue hair"}
    (of_background,) = (negative for prompt, negative in seen.prompts if prompt == "ink")
    assert "1girl" in of_background  # nobody is painted where somebody was painted out


def test_the_paper_runs_18_of_24_steps(
    make_editor: MakeEditor, tagged_scene: Scene, seen: Seen
) -> None:
    reports: list[tuple[int, int]] = []
    make_editor(steps=24, batch=1)(
        tagged_scene, progress=lambda step, total, _: reports.append((step, total))
    )
    assert [(call["steps"], call["strength"]) for call in seen.calls] == [(24, 0.75)] * 3
    assert len(seen.lines) == 3 * 18
    assert reports[-1] == (54, 54)
    steps = [step for step, total in reports if total == 54]
    assert steps == sorted(steps)
    scheduler = seen.calls[0]["pipeline"].scheduler
    assert isinstance(scheduler, DPMSolverMultistepScheduler)
    assert scheduler.config.algorithm_type == "dpmsolver++"
    assert scheduler.config.solver_order == 2
    assert scheduler.config.use_karras_sigmas


def test_the_controlnet_sees_the_crop_of_the_lines(
    make_editor: MakeEditor, tagged_scene: Scene, seen: Seen
) -> None:
    make_editor(batch=1)(tagged_scene)
    lines = draw_lines(tagged_scene.picture, "standard")
    shown = [tensor[0, 0] for tensor in seen.lines[:: len(seen.lines) // 3]]
    for name in CHARACTERS:
        window = fit_window(tagged_scene[name].bounds_xyxy, tagged_scene.size_wh, 64, 128)
        wanted = torch.from_numpy(window.cut(lines)) / 255
        assert any(
            tensor.shape == wanted.shape and torch.allclose(tensor, wanted, atol=1e-6)
            for tensor in shown
        )
    of_plate = whole_window(tagged_scene.size_wh, 64, 128).cut(draw_lines(tagged_scene.plate))
    assert any(torch.allclose(tensor, torch.from_numpy(of_plate) / 255) for tensor in shown)


def test_one_field_of_noise(make_editor: MakeEditor, tagged_scene: Scene, seen: Seen) -> None:
    """Where the windows of two parts overlap, they start from the same noise."""
    make_editor(batch=1)(tagged_scene)
    windows = [whole_window(tagged_scene.size_wh, 64, 128)]
    windows += [
        fit_window(tagged_scene[name].bounds_xyxy, tagged_scene.size_wh, 64, 128)
        for name in CHARACTERS
    ]
    assert len({window.level for window in windows}) > 1  # not all are worked on at one scale
    by_form = {window.cells[2:]: window for window in windows}
    levels = {}
    for call in seen.calls:
        noise = call["noise"]
        window = by_form[tuple(noise.shape[2:])]
        top, left, rows, columns = window.cells
        field = torch.full((1, 4, 8 * 2**window.level, 8 * 2**window.level), torch.nan)
        field[..., top : top + rows, left : left + columns] = noise
        while field.shape[2] > 8:
            field = F.avg_pool2d(field, 2) * 2
        levels[window] = field
    base = torch.randn((1, 4, 8, 8), generator=torch.Generator().manual_seed(0))
    for field in levels.values():
        known = ~torch.isnan(field)
        assert known.any()
        torch.testing.assert_close(field[known], base[known], atol=1e-5, rtol=0)


@pytest.mark.parametrize("mode", ["per-instance", "fused"])
@pytest.mark.parametrize("only", [["character-1"], ["character-2"], ["background"], CHARACTERS])
def test_not_a_bit_changes_outside(
    make_editor: MakeEditor, tagged_scene: Scene, only: list[str], mode: str
) -> None:
    styled = make_editor(only=only, mode=mode)(tagged_scene)
    share = sum(part.visible for part in styled.parts if part.name in only)
    changed = (styled.picture != tagged_scene.picture).any(axis=2)
    assert changed[np.asarray(share) > 0.9].mean() > 0.9
    assert not changed[np.asarray(share) == 0].any()
    assert set(styled.patches) == set(only)


def test_same_seed_same_bytes(make_editor: MakeEditor, tagged_scene: Scene) -> None:
    one, same, other = (make_editor(seed=seed)(tagged_scene).picture for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_a_batch_is_its_parts_one_by_one(
    make_editor: MakeEditor, tagged_scene: Scene, seen: Seen, family: str
) -> None:
    def results() -> dict[tuple[bytes, bytes], torch.Tensor]:
        """The latents of each part, by what was translated and what was said about it."""
        found = {}
        for call in seen.calls:
            words = call["conditions"].regions[0].text.chunk(2)[1]
            for start, text, result in zip(call["start"], words, call["result"], strict=True):
                found[start.numpy().tobytes(), text.numpy().tobytes()] = result
        return found

    make_editor(family, batch=1)(tagged_scene)
    singles = results()
    seen.calls.clear()
    make_editor(family, batch=8)(tagged_scene)
    assert max(len(call["start"]) for call in seen.calls) > 1
    together = results()
    assert together.keys() == singles.keys()
    assert len(singles) == 3
    for key, single in singles.items():
        torch.testing.assert_close(together[key], single, atol=1e-4, rtol=0)


def test_own_settings_are_honoured(
    make_editor: MakeEditor, tagged_scene: Scene, seen: Seen
) -> None:
    own = {
        "character-1": PartOptions(
            prompt="red scarf", strength=0.5, guidance=3.0, control=0.4, seed=9, negative="hat"
        ),
        "character-2": PartOptions(tags=["robot"]),
        "background": PartOptions(skip=True),
    }
    styled = make_editor(batch=1)(tagged_scene, own)
    assert set(styled.patches) == set(CHARACTERS)
    assert ("ink, red scarf, red hair, 1girl", "hat") in seen.prompts
    assert "ink, robot" in [prompt for prompt, _ in seen.prompts]
    first = next(call for call in seen.calls if call["strength"] == 0.5)
    second = next(call for call in seen.calls if call["strength"] == 0.75)
    assert first["conditions"].guidance.item() == 3.0
    assert first["conditions"].control_scale.item() == pytest.approx(0.4)
    assert second["conditions"].guidance.item() == 7.0
    plain = make_editor(batch=1, seed=9, only=["character-1"])
    seen.calls.clear()
    plain(tagged_scene)
    torch.testing.assert_close(first["noise"], seen.calls[0]["noise"])


def test_loras_of_one_part(make_editor: MakeEditor, tagged_scene: Scene, tiny_lora: Any) -> None:
    """It changes that part and no other, and is gone afterwards."""
    lora = f"{tiny_lora('sd15')}:1.0"
    before = make_editor()(tagged_scene)
    after = make_editor()(tagged_scene, {"character-1": PartOptions(lora=[lora])})
    again = make_editor()(tagged_scene)
    for name in (*CHARACTERS, "background"):
        same = np.array_equal(before.patches[name].colours, after.patches[name].colours)
        assert same == (name != "character-1")
    np.testing.assert_array_equal(before.picture, again.picture)
    everywhere = make_editor(lora=[lora])(tagged_scene)
    assert (everywhere.patches["background"].colours != before.patches["background"].colours).any()


@pytest.mark.parametrize("mode", ["per-instance", "fused"])
def test_a_reference_picture_of_one_part(
    make_editor: MakeEditor, tagged_scene: Scene, tiny_ip_adapter: Any, tmp_path: Path, mode: str
) -> None:
    from PIL import Image

    looks = [tmp_path / "red.png", tmp_path / "blue.png"]
    for path, colour in zip(looks, ("red", "blue"), strict=True):
        Image.new("RGB", (32, 32), colour).save(path)
    editor = make_editor(mode=mode, reference_adapter=str(tiny_ip_adapter()), reference_weight=1.0)
    plain = make_editor(mode=mode)(tagged_scene)
    red, blue = (
        editor(tagged_scene, {"character-1": PartOptions(reference=path)}) for path in looks
    )
    for name in (*CHARACTERS, "background") if mode == "per-instance" else CHARACTERS[:1]:
        own, other = red.patches[name].colours, blue.patches[name].colours
        assert np.array_equal(own, other) == (name != "character-1")
    if mode == "per-instance":
        np.testing.assert_array_equal(
            red.patches["background"].colours, plain.patches["background"].colours
        )
    np.testing.assert_array_equal(make_editor(mode=mode)(tagged_scene).picture, plain.picture)


@pytest.mark.parametrize("mode", ["per-instance", "fused"])
def test_no_instance_is_all_background(
    make_editor: MakeEditor, tiny_scene: Scene, mode: str
) -> None:
    empty = Scene(tiny_scene.picture)
    styled = make_editor(mode=mode)(empty)
    assert list(styled.patches) == ["background"]
    assert (styled.picture != empty.picture).any(axis=2).mean() > 0.9


@pytest.mark.parametrize("mode", ["per-instance", "fused"])
@pytest.mark.parametrize("at", [(0, 0), (30, 20), (47, 63)])
def test_an_instance_of_three_pixels(
    make_editor: MakeEditor, tiny_scene: Scene, at: tuple[int, int], mode: str
) -> None:
    mask = np.zeros((48, 64), np.uint8)
    mask[at[0], at[1] - 2 : at[1] + 1] = 255
    mask[at[0], at[1]] = 255
    scene = tiny_scene.with_instances([Instance(mask)])
    styled = make_editor(mode=mode, only=["character-1"])(scene)
    changed = (styled.picture != scene.picture).any(axis=2)
    assert changed.any()
    assert not changed[mask == 0].any()


@pytest.mark.parametrize("size", [(1, 1), (5, 200), (64, 64), (130, 70)])
def test_pictures_of_any_size(make_editor: MakeEditor, size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    scene = Scene(picture, [Instance(np.full(size, 255, np.uint8))], plate=picture)
    for mode in ("per-instance", "fused"):
        styled = make_editor(mode=mode, steps=2)(scene)
        assert styled.picture.shape == picture.shape


def test_large_parts_are_reduced_or_tiled(make_editor: MakeEditor, seen: Seen) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (200, 320, 3), np.uint8)
    scene = Scene(picture)
    make_editor(max_side=400)(scene)
    assert seen.calls[-1]["start"].shape[2:] == (32, 40)
    assert seen.calls[-1]["tile"] == 8
    make_editor(max_side=100)(scene)
    assert seen.calls[-1]["start"].shape[2:] == (8, 16)


def test_the_background_shows_nothing_of_the_characters(
    make_editor: MakeEditor, tagged_scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor of their outlines, which lie beside the masks and are painted out of the plate."""
    outline = np.zeros((48, 64), bool)
    outline[2:5, 2:20] = True
    picture = tagged_scene.picture.copy()
    picture[outline] = 0
    scene = tagged_scene.replace(picture=picture, plate=tagged_scene.plate)
    assert (scene.plate[outline] != 0).any(axis=1).all()
    shown = []
    from cartoonedit.diffusion import latents

    own = latents.encode
    monkeypatch.setattr(
        latents, "encode", lambda pipe, images: shown.extend(images) or own(pipe, images)
    )
    make_editor(only=["background"], steps=2)(scene)
    (given,) = shown
    wanted = whole_window(scene.size_wh, 64, 128).cut(
        np.where((scene.union_mask() > 0)[..., None] | outline[..., None], scene.plate, picture)
    )
    np.testing.assert_array_equal(given, wanted)


def test_the_background_is_whole_behind_the_characters(
    make_editor: MakeEditor, tagged_scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its colours are as they were made: nobody was mixed into them."""
    from cartoonedit.diffusion import latents

    made = []
    own = latents.decode
    monkeypatch.setattr(
        latents, "decode", lambda *given: made.extend(own(*given)) or made[-len(given[1]) :]
    )
    styled = make_editor(only=["background"], steps=2)(tagged_scene)
    patch = styled.patches["background"].colours
    np.testing.assert_array_equal(patch, made[0][: patch.shape[0], : patch.shape[1]])


def test_names_are_checked_for_the_baseline_too(
    make_editor: MakeEditor, tagged_scene: Scene
) -> None:
    with pytest.raises(InvalidInput, match="there is no part 'nobody'"):
        make_editor(global_only=True)(tagged_scene, {"nobody": PartOptions(seed=1)})
