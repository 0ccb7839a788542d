"""The options of style translation: one source for Python, the command line and the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_type_hints

from cartoonedit.errors import InvalidInput, shown

if TYPE_CHECKING:
    from prompts import Style

__all__ = ["BACKGROUND", "PartOptions", "StyleOptions"]

BACKGROUND = "background"
"""The name of the part behind all characters."""


@dataclass(frozen=True)
class StyleOptions:
    """What the picture shall become, and how. The defaults are the paper's (section 6.2).

    Attributes:
        prompt: The style, in words, such as 3D pixar style.
        preset: A style by name, see :func:`prompts.style_names`, with settings that go with it. A
            prompt is put before its own.
        negative: What must not appear. By default that of the preset, else words for bad drawings.
        mode: per-instance translates every character by itself, as the paper does; fused translates
            all in one pass in which each place listens to its own prompt, and costs hardly more
            than a plain pass.
        only: Translate this part alone: the name of a character, or background; may be repeated.
        global_only: Translate the picture as a whole by the style alone, without regard to the
            characters; the paper's baseline.
        strength: How much may change, above 0 to 1. By default that of the preset, else 0.75.
        steps: Of the whole schedule, 1 to 200 (to 50 with LCM); the strength's share is run.
        guidance: How strongly the prompt is followed; 1 = no more than without. By default that of
            the preset, else 7.
        control: How strongly the lines are followed, 0 to 2. By default that of the preset, else 1.
        scheduler: The sampler, by its familiar name.
        seed: Of the noise; one for all parts.
        lora: A LoRA, as FILE, or FILE:WEIGHT; may be repeated.
        model: The diffusion model, of the SD 1.5 or SDXL family: a name of `cartoonedit models`, a
            hub repository that was fetched, a folder, or a .safetensors file. By default that of
            the preset, else sd15.
        controlnet: What holds the lines, alike; none for nothing. By default one for line art
            that fits model and lineart.
        lineart: How lines are drawn for it: standard (needs no weights), realistic, coarse, anime,
            or anime-denoise for manga with screentones. By default that of the preset, else
            standard.
        reference_adapter: The IP-Adapter for reference pictures, by name or file. By default the
            one that fits the model.
        reference_weight: How strongly reference pictures are followed, 0 to 1.
        tagger: What describes each character: a name, folder or file of a WD14 tagger; none uses no
            tags but those in the scene.
        retag: Tag again what has tags.
        quality: Words at the end of every prompt.
        clip_skip: Layers of the text encoder to leave out at its end; anime models often want 1.
        match_tone: Shift the tone of each character to the translated background's.
        side: Pixels at which a part is worked on: smaller ones are enlarged, larger ones are cut
            into tiles. By default 768 for SD 1.5 and 1024 for SDXL.
        max_side: Larger parts are reduced to this many pixels. By default twice the side.
        batch: Characters that are translated at once; by default as many as fit in memory.
        device: auto, cpu, cuda, cuda:N or mps.
        dtype: The networks' numbers.
        offload: What of the model waits in main memory until it is needed.
        config: For a single file: a folder with the settings and tokenizer of its family.

    Raises:
        InvalidInput: A value has another type or is out of its range, or values exclude each other.
    """

    prompt: str = ""
    preset: str | None = None
    negative: str | None = None
    mode: Literal["per-instance", "fused"] = "per-instance"
    only: list[str] = field(default_factory=list)
    global_only: bool = False
    strength: float | None = None
    steps: int = 24
    guidance: float | None = None
    control: float | None = None
    scheduler: str = "DPM++ 2M Karras"
    seed: int = 0
    lora: list[str] = field(default_factory=list)
    model: str | None = None
    controlnet: str | None = None
    lineart: str | None = None
    reference_adapter: str | None = None
    reference_weight: float = 0.6
    tagger: str = "wd-v1-4-swinv2-tagger-v2"
    retag: bool = False
    quality: str = ""
    clip_skip: int | None = None
    match_tone: bool = False
    side: int | None = None
    max_side: int | None = None
    batch: int | None = None
    device: str = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    offload: Literal["auto", "none", "model", "group", "sequential"] = "auto"
    config: Path | None = None

    def __post_init__(self) -> None:
        from cartoonedit.diffusion import Lora, check_steps
        from cartoonedit.lineart import METHODS

        _settle(self)
        _check_choice("mode", self.mode, ("per-instance", "fused"))
        _check_ranges(self)
        if self.global_only and self.only:
            raise InvalidInput(
                "global_only translates the picture as a whole, without its parts, so there is no"
                f" {shown(self.only[0])} to translate alone. Leave out one of global_only and only."
            )
        style = self.style  # names the presets if there is none of that name
        if not self.prompt.strip() and style is None:
            raise InvalidInput("a prompt or a preset is needed to say what the style is.")
        check_steps(self.steps, self.scheduler)
        _check_choice("lineart", self.chosen_lineart, tuple(METHODS))
        for text in self.lora:
            Lora.parse(text)
        check_runs(self.steps, self.chosen("strength"))

    @property
    def style(self) -> Style | None:
        """The preset."""
        from prompts import style

        return None if self.preset is None else style(self.preset)

    def chosen(self, name: Literal["strength", "guidance", "control"]) -> float:
        """An option's value, else the preset's, else the paper's."""
        own = getattr(self, name)
        of_style = getattr(self.style, name, None)
        return float(next(each for each in (own, of_style, _DEFAULTS[name]) if each is not None))

    @property
    def chosen_lineart(self) -> str:
        """How lines are drawn."""
        return self.lineart or getattr(self.style, "lineart", None) or "standard"

    @property
    def chosen_model(self) -> str:
        """The diffusion model."""
        return self.model or getattr(self.style, "checkpoint", None) or "sd15"

    @property
    def chosen_loras(self) -> list[str]:
        """The LoRAs for all parts, as FILE or FILE:WEIGHT."""
        return list(self.lora or (self.style.loras if self.style else ()))

    @property
    def words(self) -> str:
        """The style in words."""
        parts = [self.prompt.strip(), self.style.prompt if self.style else ""]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class PartOptions:
    """What is different for one part. None is as for all.

    Attributes:
        prompt: Words of its own; they come before its tags.
        tags: These in place of what a tagger said.
        negative: What must not appear in it.
        strength: See :class:`StyleOptions`.
        guidance: Likewise.
        control: Likewise.
        seed: Likewise.
        lora: LoRAs in place of those for all; not in mode fused, where one pass serves all parts.
        reference: A picture whose look it takes on (IP-Adapter).
        skip: Leave it as it is.

    Raises:
        InvalidInput: A value has another type or is out of its range.
    """

    prompt: str = ""
    tags: list[str] | None = None
    negative: str | None = None
    strength: float | None = None
    guidance: float | None = None
    control: float | None = None
    seed: int | None = None
    lora: list[str] | None = None
    reference: Path | None = None
    skip: bool = False

    def __post_init__(self) -> None:
        from cartoonedit.diffusion import Lora

        _settle(self)
        _check_ranges(self)
        for text in self.lora or ():
            Lora.parse(text)


def check_runs(steps: int, strength: float) -> None:
    """Raise :class:`InvalidInput` if no step would be run."""
    from cartoonedit.diffusion import steps_run

    if steps_run(steps, strength) < 1:
        raise InvalidInput(
            f"{steps} steps at strength {strength:g} make less than one step. Take at least"
            f" {math.ceil(1 / strength)} steps."
        )


def check_types(cls: type, values: Mapping[str, Any]) -> None:
    """Raise :class:`InvalidInput` if a value is not of the type of its field in ``cls``."""
    for name, hint in get_type_hints(cls).items():
        value = values.get(name)
        if name not in values or (value is None and NoneType in get_args(hint)):
            continue
        words, fits = _kind(hint)
        if not fits(value):
            raise InvalidInput(f"{name} must be {words}; got {shown(value)}.")


def _kind(hint: Any) -> tuple[str, Callable[[object], bool]]:
    """What is said of a type, an optional one, or a choice of words, and what fits it."""
    return next((_KINDS[each] for each in (hint, *get_args(hint)) if each in _KINDS), _KINDS[str])


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _are_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(map(_is_text, value))


_KINDS: dict[Any, tuple[str, Callable[[object], bool]]] = {
    str: ("text, in quotes", _is_text),
    Path: ("the path of a file", lambda value: isinstance(value, str | Path)),
    bool: ("true or false", lambda value: isinstance(value, bool)),
    int: ("a whole number", lambda value: _is_number(value) and isinstance(value, int)),
    float: ("a number", _is_number),
    list[str]: ("a list of texts", _are_texts),
}


def _settle(options: StyleOptions | PartOptions) -> None:
    """Check the types of all fields, and turn what is as good into them."""
    check_types(type(options), vars(options))
    for name, hint in get_type_hints(type(options)).items():
        value = getattr(options, name)
        if isinstance(value, tuple):
            object.__setattr__(options, name, list(value))
        elif isinstance(value, str) and Path in get_args(hint):
            object.__setattr__(options, name, Path(value))


_DEFAULTS = {"strength": 0.75, "guidance": 7.0, "control": 1.0}

_RANGES = {"strength": (0.01, 1.0), "guidance": (0.0, 50.0), "control": (0.0, 2.0)}
_RANGES |= {"reference_weight": (0.0, 1.0)}

_WHOLE_RANGES = {
    "seed": (0, 2**63 - 1),
    "clip_skip": (0, 10),
    "side": (64, 4096),
    "max_side": (64, 16384),
    "batch": (1, 64),
}


def _check_ranges(options: StyleOptions | PartOptions) -> None:
    for ranges, form in ((_RANGES, "a"), (_WHOLE_RANGES, "a whole")):
        for name, (low, high) in ranges.items():
            value = getattr(options, name, None)
            if value is not None and not low <= value <= high:
                raise InvalidInput(
                    f"{name} must be {form} number from {low} to {high}; got {shown(value)}."
                )


def _check_choice(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InvalidInput(f"{name} must be one of {', '.join(known)}; got {shown(value)}.")
