"""Prompts from tags: which tags belong, in which order, and how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from cartoonedit.instance import Tag

__all__ = [
    "background_prompt",
    "by_score",
    "is_of_a_person",
    "is_writing",
    "join",
    "split",
    "style_prompt",
    "tag_text",
]


def background_prompt(tags: Iterable[Tag], extra: str = "", *, escape: bool = True) -> str:
    """The prompt that a background is painted with (paper, section 6.1).

    Of the tags, those stay that may describe a background: no names of characters and no ratings,
    nothing about persons, nothing that would be painted as writing.

    Args:
        tags: In any order.
        extra: Comma-separated words that come first, weights such as ``(calm:1.2)`` among them.
        escape: As for :func:`tag_text`.

    Returns:
        Comma-separated words by falling score, none twice.
    """
    kept = [
        tag
        for tag in tags
        if tag.category == "general" and not is_of_a_person(tag.name) and not is_writing(tag.name)
    ]
    return join([*split(extra), *by_score(kept, escape=escape)])


def style_prompt(
    style: str,
    tags: Iterable[Tag],
    *,
    extra: str = "",
    quality: str = "",
    of: Literal["character", "background"] = "character",
    escape: bool = True,
) -> str:
    """The prompt that a part of a picture is translated with (paper, section 6.2).

    Its order is style, words of the part, tags, quality. Of the tags, those stay that say who or
    what is shown: no names of characters and no ratings, nothing that would be painted as writing,
    nothing about how the original was drawn unless the style says it, too. A character's lose what
    the cut-out made of the picture, such as a white background, and a background's lose persons.

    Args:
        style: Comma-separated words, weights such as ``(soft:1.2)`` among them.
        tags: In any order.
        extra: Words of the part, likewise.
        quality: Words that come last, likewise.
        of: What is shown.
        escape: As for :func:`tag_text`.

    Returns:
        Comma-separated words, none twice.
    """
    said = {_bare(word) for word in split(style)}
    kept = [
        tag
        for tag in tags
        if tag.category == "general"
        and not is_writing(tag.name)
        and (not _matches(tag.name, _rules()["style"]) or _bare(tag.name) in said)
        and not (
            _matches(tag.name, _rules()["framing"])
            if of == "character"
            else is_of_a_person(tag.name)
        )
    ]
    return join([*split(style), *split(extra), *by_score(kept, escape=escape), *split(quality)])


def split(words: str) -> list[str]:
    """Split at commas, but not inside of brackets: ``(red, blue:1.2)`` is one piece."""
    pieces, depth = [""], 0
    for escaped, letter in zip(f" {words}", words, strict=False):
        plain = escaped == "\\"
        if letter in "([" and not plain:
            depth += 1
        elif letter in ")]" and not plain:
            depth = max(0, depth - 1)
        if letter == "," and not depth:
            pieces.append("")
        else:
            pieces[-1] += letter
    return pieces if not depth else words.split(",")  # one without its partner binds nothing


def _bare(word: str) -> str:
    """A word without brackets, weight, case and underscores, to be compared."""
    text = re.sub(r"\\(?=[()\[\]\\])", "", word).replace("_", " ").strip()
    while text[:1] in ("(", "[") and text[-1:] in (")", "]") and len(text) > 2:
        text = re.sub(r":\s*[+-]?[\d.]+$", "", text[1:-1].strip()).strip()
    return " ".join(text.casefold().split())


def by_score(tags: Iterable[Tag], *, escape: bool = True) -> list[str]:
    """Tags as words, the surest first; equal ones in their order."""
    return [tag_text(tag.name, escape=escape) for tag in sorted(tags, key=lambda tag: -tag.score)]


def tag_text(name: str, *, escape: bool = True) -> str:
    """A tag as a prompt spells it: spaces for underscores, except in faces such as ``^_^``.

    Args:
        name: As in Danbooru, such as ``clock_(object)``.
        escape: Put a backslash before brackets, which parsers of weighted prompts would take for
            emphasis.
    """
    text = name if name in _rules()["faces"] else name.replace("_", " ")
    return re.sub(r"([()\[\]\\])", r"\\\1", text) if escape else text


def join(words: Iterable[str]) -> str:
    """Words separated by commas; empty ones and those that were there already are left out.

    Case, underscores and weights do not make another word of one; a weight that comes later is
    taken over, so a part can turn a word of the style up or down.
    """
    seen: dict[str, str] = {}
    for word in words:
        text = " ".join(word.split())
        bare = _bare(text)
        if text and (bare not in seen or text[0] in "(["):
            seen[bare] = text
    return ", ".join(seen.values())


def is_of_a_person(name: str) -> bool:
    """Whether a tag speaks of a person or another subject rather than of a place."""
    return name in _rules()["faces"] or _matches(name, _rules()["person"])


def is_writing(name: str) -> bool:
    """Whether a tag would make a model paint letters or a mark."""
    return _matches(name, _rules()["writing"])


def _matches(name: str, rule: dict[str, frozenset[str]]) -> bool:
    name = name.lower().replace(" ", "_")  # people, and some taggers, write spaces
    if name in rule["keep"]:
        return False
    # Numbers are told apart from what they count: 1girl, 6+boys.
    words = re.sub(r"[()'\d+]", "", name).replace("-", "_").split("_")
    return name in rule["tags"] or not rule["words"].isdisjoint(words)


@cache
def _rules() -> dict[str, Any]:
    """Faces, and rules by name: each has sets of ``words``, ``tags`` and those to ``keep``."""
    import yaml

    text = resources.files(__package__).joinpath("tags.yaml").read_text(encoding="utf-8")
    rules = yaml.safe_load(text)
    faces = frozenset(rules.pop("faces"))
    split = {
        name: {kind: frozenset(listed.split()) for kind, listed in rule.items()}
        for name, rule in rules.items()
    }
    return {"faces": faces, **split}
