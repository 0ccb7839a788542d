"""Prompts from tags: which tags belong, in which order, and how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cartoonedit.instance import Tag

__all__ = ["background_prompt", "by_score", "is_of_a_person", "is_writing", "join", "tag_text"]


def background_prompt(tags: Iterable[Tag], extra: str = "", *, escape: bool = True) -> str:
    """The prompt that a background is painted with (paper, section 6.1).

    Of the tags, those stay that may describe a background: no names of characters and no ratings,
    nothing about persons, nothing that would be painted as writing.

    Args:
        tags: In any order.
        extra: Comma-separated words that come first.
        escape: As for :func:`tag_text`.

    Returns:
        Comma-separated words by falling score, none twice.
    """
    kept = [
        tag
        for tag in tags
        if tag.category == "general" and not is_of_a_person(tag.name) and not is_writing(tag.name)
    ]
    return join([*extra.split(","), *by_score(kept, escape=escape)])


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
    """Words separated by commas; empty ones and those that were there already are left out."""
    seen: dict[str, str] = {}
    for word in words:
        text = " ".join(word.split())
        if text:
            seen.setdefault(text.casefold(), text)
    return ", ".join(seen.values())


def is_of_a_person(name: str) -> bool:
    """Whether a tag speaks of a person or another subject rather than of a place."""
    return name in _rules()["faces"] or _matches(name, _rules()["person"])


def is_writing(name: str) -> bool:
    """Whether a tag would make a model paint letters or a mark."""
    return _matches(name, _rules()["writing"])


def _matches(name: str, rule: dict[str, frozenset[str]]) -> bool:
    if name in rule["keep"]:
        return False
    # Numbers are told apart from what they count: 1girl, 6+boys.
    words = re.sub(r"[()'\d+]", "", name.lower()).replace("-", "_").split("_")
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
