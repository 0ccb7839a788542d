"""Taking a character apart into sheets that can be moved."""

from apps.puppet.parts.build import build_rig

__all__ = ["build_rig"]
