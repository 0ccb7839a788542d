"""Weighted prompts, as users of Stable Diffusion write them.

``(word)`` counts 1.1 times as much, ``((word))`` 1.21 times, ``[word]`` 1/1.1 times, ``(word:1.3)``
1.3 times; ``BREAK`` begins a new chunk. A backslash makes the bracket after it a plain character,
and so is a bracket without its partner.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["BREAK", "Piece", "parse"]

STEP = 1.1
BREAK = "BREAK"

# No repetition gives back what it took (++, *+), so that no text is searched back and forth.
_NUMBER = r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)"
_TOKEN = re.compile(
    rf"\\[()\[\]\\]|[(\[]|:\s*+(?P<weight>{_NUMBER})\s*+\)|[)\]]|[^\\()\[\]:]++|[\\:]"
)
_PARTNER = {")": "(", "]": "["}


class Piece(NamedTuple):
    """Some text and how much it counts; ``text`` None begins a new chunk."""

    text: str | None
    weight: float


def parse(prompt: str) -> list[Piece]:
    """Split a prompt into pieces of equal weight; anything is a prompt, and takes linear time."""
    tokens = list(_TOKEN.finditer(prompt))
    factors, closing = _match(tokens)
    pieces: list[Piece] = []
    weights = [1.0]
    for index, token in enumerate(tokens):
        if index in factors:
            weights.append(_bounded(weights[-1] * factors[index]))
        elif index in closing:
            weights.pop()
        else:
            pieces.append(Piece(_literal(token[0]), weights[-1]))
    return list(_with_breaks(pieces))


def _match(tokens: list[re.Match[str]]) -> tuple[dict[int, float], set[int]]:
    """Brackets that have a partner: those that open with their factors, and those that close."""
    factors: dict[int, float] = {}
    closing: set[int] = set()
    waiting: dict[str, list[int]] = {"(": [], "[": []}
    for index, token in enumerate(tokens):
        text = token[0]
        if text in waiting:
            waiting[text].append(index)
            continue
        kind = _PARTNER.get(text[-1]) if len(text) == 1 or token["weight"] else None
        if kind is None or not waiting[kind]:
            continue
        start = waiting[kind].pop()
        for others in waiting.values():  # what opened inside and was not closed has no partner
            while others and others[-1] > start:
                others.pop()
        weight = token["weight"]
        factors[start] = _bounded(float(weight)) if weight else (STEP if kind == "(" else 1 / STEP)
        closing.add(index)
    return factors, closing


def _literal(text: str) -> str:
    return text[1:] if len(text) == 2 and text[0] == "\\" else text


def _bounded(weight: float) -> float:
    """No sum of brackets makes a number that networks cannot hold."""
    return math.copysign(min(abs(weight), 100.0), weight)


def _with_breaks(pieces: list[Piece]) -> Iterator[Piece]:
    """Join pieces of one weight, and take ``BREAK`` out of the text."""
    start = 0
    while start < len(pieces):
        end = start
        while end < len(pieces) and pieces[end].weight == pieces[start].weight:
            end += 1
        text = "".join(piece.text or "" for piece in pieces[start:end])
        for number, part in enumerate(re.split(rf"\b{BREAK}\b", text)):
            if number:
                yield Piece(None, 1.0)
            if part:
                yield Piece(part, pieces[start].weight)
        start = end
