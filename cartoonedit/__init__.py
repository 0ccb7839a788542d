"""cartoonedit: take a cartoon picture apart once, then animate and edit its parts.

    >>> import cartoonedit as ce
    >>> scene = ce.Segmenter()("picture.png")        # every character cut out
    >>> ce.KenBurns()(scene, "clip.mp4")             # a camera move through the picture
    >>> ce.StyleEditor(prompt="3D pixar style")(scene).save("styled.png")
    >>> ce.Puppet(motion="dance")(scene, "dance.mp4")

The public names are loaded on first use, so importing this package is fast and imports neither
torch nor any other heavy library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from cartoonedit.errors import (
    Cancelled,
    CartooneditError,
    InvalidInput,
    MissingExtra,
    ModelNotFound,
)

if TYPE_CHECKING:
    from apps.kenburns import KenBurns, KenBurnsOptions
    from apps.puppet import Puppet, PuppetOptions
    from apps.style import PartOptions, StyleEditor, StyleOptions
    from cartoonedit.images import open_image
    from cartoonedit.scene import Instance, Scene, Tag
    from segmentation.segmenter import Segmenter

__all__ = [
    "Cancelled",
    "CartooneditError",
    "Instance",
    "InvalidInput",
    "KenBurns",
    "KenBurnsOptions",
    "MissingExtra",
    "ModelNotFound",
    "PartOptions",
    "Puppet",
    "PuppetOptions",
    "Scene",
    "Segmenter",
    "StyleEditor",
    "StyleOptions",
    "Tag",
    "__version__",
    "open_image",
]

# Names only: this package sits below segmentation and apps, and hands on what they make.
_HOMES = {
    "Instance": "cartoonedit.scene",
    "KenBurns": "apps.kenburns",
    "KenBurnsOptions": "apps.kenburns",
    "PartOptions": "apps.style",
    "Puppet": "apps.puppet",
    "PuppetOptions": "apps.puppet",
    "Scene": "cartoonedit.scene",
    "Segmenter": "segmentation.segmenter",
    "StyleEditor": "apps.style",
    "StyleOptions": "apps.style",
    "Tag": "cartoonedit.scene",
    "open_image": "cartoonedit.images",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version()
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value  # the next access does not come here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("cartoonedit")
    except metadata.PackageNotFoundError:  # run from a checkout that was never installed
        return "0+unknown"
