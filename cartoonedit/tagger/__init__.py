"""Words that describe a drawing, and putting them on the parts of a scene."""

from __future__ import annotations

from cartoonedit.tagger.scene import background_tags, tag_scene, without_tags
from cartoonedit.tagger.wd14 import Tagger

__all__ = ["Tagger", "background_tags", "tag_scene", "without_tags"]
