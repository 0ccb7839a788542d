"""Motions to poses: a puppet moves its limbs as an actor does, on feet that do not slide."""

from apps.puppet.retarget.limbs import Directions
from apps.puppet.retarget.options import RetargetOptions
from apps.puppet.retarget.retarget import projected_directions, retarget
from apps.puppet.retarget.room import Body

__all__ = ["Body", "Directions", "RetargetOptions", "projected_directions", "retarget"]
