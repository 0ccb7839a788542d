from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import ImageFont

from apps.style import Styled
from apps.style.sheets import _TEXT, _wrapped, before_after, strips
from cartoonedit.errors import InvalidInput
from cartoonedit.scene import Scene
from tests.apps.style.by_hand import COLOURS, paint


@pytest.fixture
def styled(tagged_scene: Scene) -> Styled:
    return paint(tagged_scene)


def rows_of(sheet: np.ndarray) -> int:
    """How many rows a sheet of strips has, by the rules between them."""
    middle = sheet[:, 320:560]
    return int((middle == (224, 222, 216)).all(axis=(1, 2)).sum()) // 2


@pytest.mark.parametrize(
    ("size_wh", "shape"),
    [((60, 60), (60, 122, 3)), ((40, 60), (60, 82, 3)), ((90, 50), (102, 90, 3))],
)
def test_before_and_after(size_wh: tuple[int, int], shape: tuple[int, int, int]) -> None:
    before = np.full((size_wh[1], size_wh[0], 3), 10, np.uint8)
    sheet = before_after(Styled(before + 90, Scene(before), (), {}, before[..., 0]))
    assert sheet.shape == shape
    assert (sheet[0, 0] == 10).all() and (sheet[-1, -1] == 100).all()
    assert (sheet == 255).all(axis=2).sum() == 2 * min(shape[:2])


@pytest.mark.parametrize("edited", [["character-2"], ["background", "character-1"], [*COLOURS]])
def test_a_row_for_each_translated_part(tagged_scene: Scene, edited: list[str]) -> None:
    sheet = strips(paint(tagged_scene, edited))
    assert rows_of(sheet) == len(edited)
    for name, colour in COLOURS.items():
        assert (sheet == colour).all(axis=2).any() == (name in edited)


def test_what_a_row_shows(tagged_scene: Scene) -> None:
    """The original with what is around it, and the part alone on light squares."""
    sheet = strips(paint(tagged_scene, ["character-2"]))
    original, _, alone = (sheet[72:-24, left : left + 100] for left in (24, 328, 632))
    assert (original == (40, 90, 220)).all(axis=2).any()  # itself
    assert (original == (220, 60, 40)).all(axis=2).any()  # and the one behind it
    assert not (alone == (220, 60, 40)).all(axis=2).any()
    corner = {tuple(colour) for colour in alone[:30, :30].reshape(-1, 3).tolist()}
    assert {(250, 250, 250), (232, 232, 232)} <= corner


def test_lines_of_others_are_dimmed(tagged_scene: Scene) -> None:
    styled = paint(tagged_scene, ["character-2"])
    white = np.full_like(styled.lines, 255)
    shown = strips(replace(styled, lines=white))[72:-24, 328:428]
    levels = set(np.unique(shown).tolist())
    assert {89, 255} <= levels


@pytest.mark.parametrize(
    "prompt",
    [
        "ink",
        " ".join(f"word {n}," for n in range(80)),
        "x" * 500,
        "赤い髪, café",
        "a/very/long/path/" * 30,
        "",
    ],
)
def test_words_fit_into_their_column(tagged_scene: Scene, prompt: str) -> None:
    lines = list(_wrapped(prompt, 15))
    font = ImageFont.load_default(15)
    assert all(font.getlength(line) <= _TEXT for line in lines)
    said = prompt.encode("ascii", "backslashreplace").decode()
    assert "".join(lines).replace(" ", "") == said.replace(" ", "")
    styled = paint(tagged_scene, ["character-1"], prompt=f"{prompt} ink")
    sheet = strips(styled)
    assert sheet.shape[0] >= 48 + 21 * len(lines)
    assert (sheet[:, -24:] == sheet[0, -1]).mean() > 0.98  # the margin is free but for the rule


def test_words_say_what_was_asked_for(
    styled: Styled, monkeypatch: pytest.MonkeyPatch, tagged_scene: Scene
) -> None:
    from PIL import ImageDraw

    said: list[str] = []
    write = ImageDraw.ImageDraw.text

    def noted(self: ImageDraw.ImageDraw, xy: object, text: str, **options: object) -> None:
        said.append(text)
        write(self, xy, text, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", noted)
    strips(paint(tagged_scene, seed=7, strength=0.5, lora=["knight.safetensors:0.8"]))
    text = " ".join(said)
    for expected in (
        "background", "character-1", "red hair", "blue hair", "not: ", "strength 0.5 · guidance 7",
        "seed 7", "LoRA knight.safetensors at 0.8",
    ):  # fmt: skip
        assert expected in text


def test_nothing_to_show(tagged_scene: Scene) -> None:
    with pytest.raises(InvalidInput, match="no part was translated"):
        strips(paint(tagged_scene, []))
