from __future__ import annotations

import pytest

from cartoonedit.instance import Tag
from prompts import background_prompt
from prompts.compose import by_score, is_of_a_person, is_writing, join, tag_text


@pytest.mark.parametrize(
    ("tags", "extra", "prompt"),
    [
        ([], "", ""),
        ([], "night, , rain ", "night, rain"),
        ([Tag("tree", 0.5), Tag("blue_sky", 0.9)], "", "blue sky, tree"),
        ([Tag("a", 0.5), Tag("b", 0.5)], "", "a, b"),
        ([Tag("tree", 0.5)], "oil painting", "oil painting, tree"),
        ([Tag("tree", 0.5)], "(a, b:1.2), a", "(a, b:1.2), a, tree"),
        ([Tag("tree", 0.5), Tag("Tree", 0.4), Tag("rain", 0.3)], "Rain", "Rain, tree"),
        ([Tag("clock_(object)", 0.5)], "", r"clock \(object\)"),
        ([Tag("no_humans", 0.9), Tag("1girl", 0.9), Tag("solo", 0.8)], "", "no humans"),
        ([Tag("ruins", 0.5), Tag("reimu", 0.9, "character")], "", "ruins"),
        ([Tag("ruins", 0.5), Tag("general", 0.9, "rating")], "", "ruins"),
        ([Tag("ruins", 0.5), Tag("artist_name", 0.9), Tag("english_text", 0.9)], "", "ruins"),
        ([Tag("sky", 0.5), Tag("^_^", 0.9)], "", "sky"),
    ],
)
def test_background_prompt(tags: list[Tag], extra: str, prompt: str) -> None:
    assert background_prompt(tags, extra) == prompt


def test_brackets_stay_where_nothing_is_weighted() -> None:
    tags = [Tag("clock_(object)", 0.5)]
    assert background_prompt(tags, "(calm)", escape=False) == "(calm), clock (object)"


@pytest.mark.parametrize(
    ("words", "joined"),
    [
        (["ink", "soft colors", "(soft colors:0.4)", "hat"], "ink, (soft colors:0.4), hat"),
        (["(ink:1.2)", "ink"], "(ink:1.2)"),  # what has no weight changes none
        (["(ink:1.2)", "[ink]", "Ink"], "[ink]"),
    ],
)
def test_a_later_weight_is_taken_over(words: list[str], joined: str) -> None:
    assert join(words) == joined


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("blue_sky", "blue sky"),
        ("^_^", "^_^"),
        ("||_||", "||_||"),
        ("(o)_(o)", r"\(o\)_\(o\)"),
        ("fate_(series)", r"fate \(series\)"),
        ("a[b]", r"a\[b\]"),
        ("back\\slash", r"back\\slash"),
    ],
)
def test_tag_text(name: str, text: str) -> None:
    assert tag_text(name) == text


@pytest.mark.parametrize(
    ("names", "of_a_person"),
    [
        ("1girl 2boys 6+girls 1other solo multiple_girls long_hair blue_eyes school_uniform", True),
        ("looking_at_viewer holding_sword black-framed_eyewear cat_ears >_< upper_body", True),
        ("male_focus :d hair_ribbon thighhighs facial_hair robot cowboy_shot", True),
        ("no_humans scenery blue_sky palm_tree multiple_moons bubble clock open_door", False),
        ("building cityscape night water mountain flower chair armchair simple_background", False),
        ("cherry_blossoms potted_plant back_alley portrait_(object) ship window", False),
    ],
)
def test_is_of_a_person(names: str, of_a_person: bool) -> None:
    for name in names.split():
        assert is_of_a_person(name) == of_a_person, name


@pytest.mark.parametrize(
    ("names", "writing"),
    [
        ("signature english_text twitter_username speech_bubble artist_name watermark", True),
        ("bubble book sign blackboard texture", False),
    ],
)
def test_is_writing(names: str, writing: bool) -> None:
    for name in names.split():
        assert is_writing(name) == writing, name


def test_parts_for_other_prompts() -> None:
    assert by_score([Tag("b_c", 0.1), Tag("a", 0.2)]) == ["a", "b c"]
    assert join(["a", " ", "b  c", "A", "b c"]) == "a, b c"
