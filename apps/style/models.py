"""The models that a translation needs, all found before any work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from apps.style.options import PartOptions, StyleOptions
from cartoonedit import hub
from cartoonedit.diffusion import Lora, family_of_model
from cartoonedit.diffusion.loading import Family, find_settings
from cartoonedit.diffusion.locating import locate, locate_file
from cartoonedit.diffusion.references import find_adapter
from cartoonedit.errors import ModelNotFound
from cartoonedit.images import open_image
from cartoonedit.lineart import METHODS, LineNetwork
from cartoonedit.tagger import Tagger

__all__ = ["adapter_for", "controlnet_for", "find_models"]

_ADAPTERS: dict[Family, str] = {"sd15": "ip-adapter-sd15", "sdxl": "ip-adapter-sdxl"}


def find_models(
    options: StyleOptions, own: Mapping[str, PartOptions] | None = None
) -> dict[str, Path]:
    """The folders and files of all models, by what they are for.

    A tagger of the catalogue may be missing: then nobody is described. It is named with the others.

    Args:
        options: For all parts.
        own: What is different for single parts, by name.

    Raises:
        ModelNotFound: Some are not on this machine; the message names all of them.
        InvalidInput: One is a pickle, or of another family, or a reference picture is damaged.
    """
    found: dict[str, Path] = {}
    missing: dict[str, str] = {}
    for what, find in _wanted(options, _edited(options, own or {})):
        try:
            found[what] = find()
        except ModelNotFound as error:
            missing[what] = str(error)
    lacking = missing.keys() - ({"tagger"} if options.tagger in hub.CATALOGUE else set())
    if lacking:
        messages = list(dict.fromkeys(missing.values()))
        if len(messages) == 1:
            raise ModelNotFound(messages[0])
        listed = "".join(f"\n- {message}" for message in messages)
        raise ModelNotFound(f"{len(messages)} models are not on this machine:{listed}")
    return found


def controlnet_for(options: StyleOptions, family: Family) -> str | None:
    """The ControlNet that was asked for, else one that fits the model."""
    if options.controlnet is not None:
        return None if options.controlnet == "none" else options.controlnet
    if family == "sdxl":
        return "controlnet-union-sdxl"
    anime = options.chosen_lineart.startswith("anime")
    return "controlnet-lineart-anime" if anime else "controlnet-lineart"


def adapter_for(options: StyleOptions, family: Family) -> str:
    """The IP-Adapter that was asked for, else the one that fits the model."""
    return options.reference_adapter or _ADAPTERS[family]


def _edited(options: StyleOptions, own: Mapping[str, PartOptions]) -> list[PartOptions]:
    if options.global_only:
        return []
    return [
        part
        for name, part in own.items()
        if not part.skip and (not options.only or name in options.only)
    ]


def _wanted(
    options: StyleOptions, parts: list[PartOptions]
) -> Iterator[tuple[str, Callable[[], Path]]]:
    """What is needed, and what finds it."""
    model = options.chosen_model
    family = _family(model)
    yield "model", lambda: locate(model, "model_index.json")
    if Path(model).suffix == ".safetensors":
        yield "settings", lambda: find_settings(family, options.config)
    controlnet = controlnet_for(options, family)
    if controlnet is not None:
        yield "controlnet", lambda: locate(controlnet, "config.json")
    if options.tagger != "none" and not options.global_only:
        yield "tagger", lambda: Tagger(options.tagger).files[0]
    method = METHODS[options.chosen_lineart]
    if isinstance(method, LineNetwork):
        yield "lineart", lambda: method.file
    loras = options.chosen_loras + [text for part in parts for text in part.lora or []]
    for file in dict.fromkeys(Lora.parse(text).weights for text in loras):
        yield f"lora {Path(file).name}", partial(locate_file, file)
    pictures = dict.fromkeys(part.reference for part in parts if part.reference is not None)
    for picture in pictures:
        open_image(picture)
    if pictures:
        yield "reference_adapter", lambda: find_adapter(adapter_for(options, family))[0]


def _family(model: str) -> Family:
    """The family of a model; one that is not here is what its name says."""
    try:
        return family_of_model(model)
    except ModelNotFound:
        return "sdxl" if "xl" in model.casefold() else "sd15"
