"""Prompts: how they are put together, and the data for it in YAML, to be changed without code."""

from __future__ import annotations

from functools import cache
from importlib import resources

from prompts.compose import background_prompt, join, split, style_prompt
from prompts.styles import Style, load_styles, style, style_names

__all__ = [
    "Style",
    "background_prompt",
    "join",
    "load_styles",
    "negative_prompt",
    "split",
    "style",
    "style_names",
    "style_prompt",
]


@cache
def _negatives() -> dict[str, str]:
    import yaml

    text = resources.files(__package__).joinpath("negatives.yaml").read_text(encoding="utf-8")
    return {name: " ".join(entry["prompt"].split()) for name, entry in yaml.safe_load(text).items()}


def negative_prompt(name: str = "background") -> str:
    """Return a fixed negative prompt by name.

    Args:
        name: A key of ``negatives.yaml``. ``"background"`` keeps subjects out of a filled
            background (paper, section 6.1).

    Returns:
        Comma-separated tags.

    Raises:
        InvalidInput: No such name; the message lists the ones there are.
    """
    from cartoonedit.errors import InvalidInput

    negatives = _negatives()
    if name not in negatives:
        raise InvalidInput(f"no negative prompt named {name!r}; there are: {', '.join(negatives)}")
    return negatives[name]
