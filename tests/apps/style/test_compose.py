from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from apps.style.compose import Patch, clean, compose, compose_fused
from apps.style.parts import Part
from apps.style.tone import match_tones

HEIGHT, WIDTH = 40, 60
RED, BLUE, GREEN = (220, 40, 40), (40, 40, 220), (30, 160, 60)


def flat(colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), colour, np.uint8)


def disc(x: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    distance = np.hypot(columns - x, rows - HEIGHT / 2)
    return (np.clip((radius + 2 - distance) / 4, 0, 1) * 255).round().astype(np.uint8)


@pytest.fixture(scope="module")
def parts() -> list[Part]:
    """A background and two soft discs, the second in front of the first."""
    back, front = disc(22, 12), disc(38, 12)
    full = np.full_like(back, 255)
    a, b = (mask / np.float32(255) for mask in (back, front))
    shares = {"background": (1 - a) * (1 - b), "back": a * (1 - b), "front": b}
    words: dict[str, Any] = {"prompt": "", "negative": "", "strength": 0.75}
    words |= {"guidance": 7.0, "control": 1.0, "seed": 0}
    return [
        Part(name, mask, shares[name].astype(np.float32), **words)
        for name, mask in (("background", full), ("back", back), ("front", front))
    ]


def painted(parts: list[Part], colours: dict[str, tuple[int, int, int]]) -> np.ndarray:
    """What the parts show in flat colours."""
    shown = sum(part.visible[..., None] * np.float32(colours[part.name]) for part in parts)
    return np.rint(shown).astype(np.uint8)


OLD = {"background": GREEN, "back": RED, "front": BLUE}


@pytest.mark.parametrize(
    "changed",
    [
        {"front": (250, 240, 0)},
        {"back": (250, 240, 0)},
        {"background": (250, 240, 0)},
        {"back": (0, 0, 0), "front": (255, 255, 255)},
        {"background": (10, 20, 30), "back": (250, 240, 0), "front": (255, 255, 255)},
        {},
    ],
    ids=lambda changed: "+".join(changed) or "nothing",
)
def test_new_colours_take_the_place_of_old_ones(
    parts: list[Part], changed: dict[str, tuple[int, int, int]]
) -> None:
    """The truth: the same parts, painted in the new colours from the start."""
    picture = painted(parts, OLD)
    patches = {name: Patch(0, 0, flat(colour)) for name, colour in changed.items()}
    result = compose(picture, flat(GREEN), parts, patches)
    error = np.abs(result.astype(int) - painted(parts, OLD | changed))
    assert error.max() <= 10  # where three parts meet in one pixel
    assert error.mean() < 0.1
    share = sum((part.visible for part in parts if part.name in changed), np.zeros(1))
    untouched = np.broadcast_to(share == 0, picture.shape[:2])
    np.testing.assert_array_equal(result[untouched], picture[untouched])


def test_all_parts_new_leaves_nothing_of_the_old(parts: list[Part]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    patches = {part.name: Patch(0, 0, flat((9, 9, 9))) for part in parts}
    np.testing.assert_array_equal(compose(noise, noise, parts, patches), flat((9, 9, 9)))


def test_a_patch_may_be_a_piece(parts: list[Part]) -> None:
    picture = painted(parts, OLD)
    whole = compose(picture, None, parts, {"front": Patch(0, 0, flat((250, 240, 0)))})
    piece = Patch(22, 4, flat((250, 240, 0))[4:36, 22:58])
    np.testing.assert_array_equal(compose(picture, None, parts, {"front": piece}), whole)


def test_clean_takes_the_surroundings_out_of_soft_edges(parts: list[Part]) -> None:
    front = parts[2]
    alpha = front.mask[..., None] / 255
    worked = np.rint(alpha * np.float32((250, 240, 0)) + (1 - alpha) * 255).astype(np.uint8)
    cleaned = clean(Patch(0, 0, worked), front).colours[front.mask > 25]
    assert np.abs(cleaned.astype(int) - (250, 240, 0)).max() <= 12
    full = clean(Patch(0, 0, worked), replace(front, visible=np.ones_like(front.visible)))
    np.testing.assert_array_equal(full.colours, worked)


@pytest.mark.parametrize(
    "edited", [(), ("front",), ("background",), ("background", "back", "front")]
)
def test_a_pass_for_all_changes_what_is_edited(parts: list[Part], edited: tuple[str, ...]) -> None:
    picture, worked = painted(parts, OLD), flat((7, 8, 9))
    chosen = [replace(part, edited=part.name in edited) for part in parts]
    result = compose_fused(picture, worked, chosen)
    share = sum((part.visible for part in chosen if part.edited), np.zeros((HEIGHT, WIDTH)))
    np.testing.assert_array_equal(result[share == 0], picture[share == 0])
    assert (result[share >= 0.5] == (7, 8, 9)).all()


def test_tones_are_matched_to_the_background(parts: list[Part]) -> None:
    """What was made of a character came out 20 levels too dark, with its surroundings."""
    background = flat((100, 150, 200))
    dark = flat((80, 130, 180))
    dark[parts[1].mask > 0] = (200, 60, 40)
    patches = {"background": Patch(0, 0, background), "back": Patch(0, 0, dark)}
    matched = match_tones(patches, parts[:2])
    np.testing.assert_array_equal(matched["background"].colours, background)
    assert (matched["back"].colours[parts[1].mask > 0] == (220, 80, 60)).all()
    alone = match_tones({"back": Patch(0, 0, dark)}, [parts[1]])
    np.testing.assert_array_equal(alone["back"].colours, dark)
