"""Depth of a picture: estimators behind one signature, and what is done with their maps.

Depth is ``float32`` ``(H, W)`` in 0..1 and larger means farther. ``1 - depth`` is proportional to
the disparity (the inverse of the distance), which is what estimators of relative depth predict and
what an image moves by when a camera does. An estimator is a callable ``(picture, masks, device) ->
depth``. None of them ever downloads anything.
"""

from __future__ import annotations

from cartoonedit.depth.edges import snap_edges
from cartoonedit.depth.estimators import (
    ESTIMATORS,
    DepthEstimator,
    Estimator,
    check_estimator,
    estimate_depth,
)
from cartoonedit.depth.files import CONVENTIONS, read_depth
from cartoonedit.depth.layout import instance_layout
from cartoonedit.depth.pooling import POOLS, pool_depth
from cartoonedit.depth.room import Room, plate_depth, read_room

__all__ = [
    "CONVENTIONS",
    "ESTIMATORS",
    "POOLS",
    "DepthEstimator",
    "Estimator",
    "Room",
    "check_estimator",
    "estimate_depth",
    "instance_layout",
    "plate_depth",
    "pool_depth",
    "read_depth",
    "read_room",
    "snap_edges",
]
