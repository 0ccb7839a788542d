from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartoonedit.diffusion.emphasis import parse
from cartoonedit.errors import InvalidInput
from cartoonedit.instance import Tag
from prompts import load_styles, negative_prompt, split, style, style_names, style_prompt
from prompts.compose import tag_text

_LISTS = [f"&a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
MULTIPLIED = f"[&a0 [hat, hat, hat], {', '.join(_LISTS)}]"
"""Some kilobytes that are more than any memory when they are written out."""


def tags(*names: str) -> list[Tag]:
    """General tags by falling score."""
    return [Tag(name, 0.9 - index / 100) for index, name in enumerate(names)]


@pytest.mark.parametrize(
    ("style_words", "given_tags", "prompt"),
    [
        # order and spelling
        ("3D pixar style", [], "3D pixar style"),
        ("", tags("hat"), "hat"),
        ("ink", [Tag("hat", 0.5), Tag("red_hair", 0.9)], "ink, red hair, hat"),
        ("artist_cg, cg", tags("hat"), "artist_cg, cg, hat"),
        ("ink", tags("^_^"), "ink, ^_^"),
        ("ink", tags("clock_(object)"), r"ink, clock \(object\)"),
        # no word twice
        ("red hair", tags("red_hair", "hat"), "red hair, hat"),
        ("(Red_Hair:1.3), [hat]", tags("red_hair", "hat"), "(Red_Hair:1.3), [hat]"),
        ("(red, blue:1.2), ink", tags("hat"), "(red, blue:1.2), ink, hat"),
        # names and ratings of the original
        ("ink", [Tag("alice", 0.99, "character"), Tag("general", 1, "rating")], "ink"),
        # what would be painted as writing
        ("ink", tags("watermark", "artist_name", "english_text", "hat"), "ink, hat"),
        # how the original was drawn
        ("ink", tags("monochrome", "traditional_media", "sketch", "hat"), "ink, hat"),
        ("ink", tags("watercolor_(medium)", "3d", "pixel_art", "flat_color", "hat"), "ink, hat"),
        ("pixel art", tags("pixel_art", "greyscale", "hat"), "pixel art, hat"),
        ("(monochrome:1.2)", tags("monochrome", "hat"), "(monochrome:1.2), hat"),
        # what the cut-out made of the picture, and others in it
        ("ink", tags("simple_background", "white_background", "cropped", "hat"), "ink, hat"),
        ("ink", tags("2girls", "multiple_girls", "1girl"), "ink, 1girl"),
        # likewise, as people write them
        ("ink", tags("White background", "flat color", "english text", "hat"), "ink, hat"),
        # what only sounds like these
        (
            "ink",
            tags("colored_skin", "colored_inner_hair"),
            "ink, colored skin, colored inner hair",
        ),
        ("ink", tags("painting_(action)", "comic_book"), r"ink, painting \(action\), comic book"),
    ],
)
def test_a_character(style_words: str, given_tags: list[Tag], prompt: str) -> None:
    assert style_prompt(style_words, given_tags) == prompt


@pytest.mark.parametrize(
    ("given_tags", "prompt"),
    [
        (tags("night", "city", "no_humans"), "ink, night, city, no humans"),
        (tags("1girl", "red_hair", "sky", "holding"), "ink, sky"),
        (tags("monochrome", "signature", "sky"), "ink, sky"),
    ],
)
def test_the_background(given_tags: list[Tag], prompt: str) -> None:
    assert style_prompt("ink", given_tags, of="background") == prompt


def test_own_words_come_before_tags_and_quality_last() -> None:
    prompt = style_prompt(
        "ink", tags("hat"), extra="(red scarf:1.2), boots", quality="masterpiece, hat"
    )
    assert prompt == "ink, (red scarf:1.2), boots, hat, masterpiece"


@pytest.mark.parametrize(
    ("words", "pieces"),
    [
        ("a, b", ["a", " b"]),
        ("(a, b:1.2), c", ["(a, b:1.2)", " c"]),
        ("[a, (b, c)], d", ["[a, (b, c)]", " d"]),
        (r"a \(b, c", [r"a \(b", " c"]),
        ("(a, b", ["(a", " b"]),
        ("", [""]),
    ],
)
def test_split(words: str, pieces: list[str]) -> None:
    assert split(words) == pieces


@given(st.text(alphabet="ab_()[]\\:1.", min_size=1, max_size=20))
def test_a_tag_is_plain_text_to_the_parser_of_weights(name: str) -> None:
    pieces = parse(tag_text(name))
    assert "".join(piece.text or "" for piece in pieces) == tag_text(name, escape=False)
    assert all(piece.weight == 1 for piece in pieces)


@pytest.mark.parametrize("name", style_names())
def test_styles(name: str) -> None:
    chosen = style(name)
    assert chosen.prompt
    assert chosen.note
    assert parse(chosen.prompt)
    assert chosen.checkpoint is None  # none is needed but the model that a person has


def test_the_styles_of_the_paper() -> None:
    assert [style(name).prompt for name in style_names()[:3]] == [
        "3D pixar style",
        "artist_cg, cg",
        "cinematic, ultra detailed",
    ]
    assert len(style_names()) >= 15
    assert "bad anatomy" in negative_prompt("style")
    with pytest.raises(InvalidInput, match="3d-pixar"):
        style("3d pixar")


def test_styles_of_your_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "mine: {prompt: ink, checkpoint: a.safetensors, loras: [b.safetensors:0.8], strength: 0.5}"
    )
    mine = load_styles(file)["mine"]
    assert (mine.prompt, mine.checkpoint, mine.loras) == (
        "ink", "a.safetensors", ("b.safetensors:0.8",),
    )  # fmt: skip
    assert (mine.strength, mine.guidance) == (0.5, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "must map names"),
        ("a: {}", "must have a prompt"),
        ("a: ink", "must have a prompt"),
        ("a: {prompt: 3}", "must have a prompt"),
        ("a: {prompt: ink, colour: red}", "no colour; there are: prompt"),
        ("a: {prompt: ink, strength: 2}", "strength must be from"),
        ("a: {prompt: ink, control: true}", "control must be from"),
        ("a: {prompt: ink, loras: b}", "loras must be a list"),
        ("a: {prompt: ink, note: 3}", "note must be text"),
        ("a: {prompt: !!python/object:os.system {}}", "not valid YAML"),
        ("a: [", "not valid YAML"),
        ("a: 2024-99-99", "not valid YAML"),
        ("a: {prompt: ink, strength: !!bool maybe}", "not valid YAML"),
        ("#" * 200_001, "larger than 200 kB"),
        (f"a: {{prompt: ink, strength: 0x{'f' * 6000}}}", "strength must be from"),
        (f"a: {{prompt: ink, ? {'b' * 2000} : 1}}", "has no bbb"),
        (f"a: {{prompt: ink, loras: {MULTIPLIED}}}", "loras must be a list"),
        (f"a: {{prompt: ink, note: {MULTIPLIED}}}", "note must be text"),
        (f"a: {{prompt: ink, strength: {MULTIPLIED}}}", "strength must be from"),
    ],
)
def test_styles_that_are_wrong(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=message) as told:
        load_styles(file)
    assert len(str(told.value)) < 500
    with pytest.raises(InvalidInput, match="cannot be read"):
        load_styles(tmp_path / "absent.yaml")
