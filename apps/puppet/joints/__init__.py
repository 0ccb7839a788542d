"""The joints of characters: found, read from files, written, and shown."""

from apps.puppet.joints.files import JOINTS_FILE, named_skeleton, read_joints, write_joints
from apps.puppet.joints.find import AUTO, SILHOUETTE, FoundJoints, find_joints
from apps.puppet.joints.inside import inside
from apps.puppet.joints.overlay import draw_joints
from apps.puppet.joints.pose import PoseNetwork

__all__ = [
    "AUTO",
    "JOINTS_FILE",
    "SILHOUETTE",
    "FoundJoints",
    "PoseNetwork",
    "draw_joints",
    "find_joints",
    "inside",
    "named_skeleton",
    "read_joints",
    "write_joints",
]
