"""What the name of a joint says: which side, which part of the body.

Every program that records or animates motion names joints in its own way: ``LeftUpLeg``,
``mixamorig:LeftUpLeg``, ``thigh_l``, ``Bip01 L Thigh``, ``lfemur``, ``L_Hip``. All of them are made
of a side and a word for a part. The same word means different joints with different people;
:mod:`apps.puppet.motion.names` decides by where the joint hangs.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

__all__ = ["Side", "Word", "mirrored", "read_name"]

Side = Literal["left", "right"]

_SIDES: dict[str, Side] = {
    **dict.fromkeys(("left", "l", "lf", "lft"), "left"),
    **dict.fromkeys(("right", "r", "rt", "rgt"), "right"),
}
_PARTS: dict[str, str] = {
    word: part
    for part, words in {
        "thigh": "thigh upleg upperleg uplegs legupper femur",
        "hip": "hip hips buttock",
        "leg": "leg",
        "knee": "knee calf shin tibia lowerleg lowleg leglower shank crus",
        "foot": "foot ankle feet",
        "toe": "toe toes toebase ball forefoot football",
        "collar": "clavicle collar collarbone clav scapula",
        "shoulder": "shoulder shldr",
        "upperarm": "upperarm uparm humerus armupper",
        "arm": "arm",
        "elbow": "elbow forearm lowerarm lowarm armlower radius ulna",
        "hand": "hand wrist",
        "pelvis": "pelvis hipcenter spinebase cog root",
        "spine": "spine chest torso abdomen thorax lowerback upperback waist spinemid spineshoulder"
        " shouldercenter sternum",
        "neck": "neck lowerneck upperneck",
        "head": "head skull",
    }.items()
    for word in words.split()
}
_SAYS_NOTHING = {"joint", "jnt", "jt", "bone", "bend", "def", "org", "bip", "b", "j", "rig"}
_HELPERS = {
    *("twist", "roll", "ik", "fk", "pole", "end", "nub", "ctrl", "control", "target", "helper"),
    *("tip", "top", "effector", "goal", "socket", "site", "attach", "prop", "weapon", "dummy"),
}
"""A joint with one of these beside its part is a helper of that part, not the part."""


class Word(NamedTuple):
    """What a name says.

    Attributes:
        side: Of the body, if any.
        part: ``thigh``, ``hip``, ``leg``, ``knee``, ``foot``, ``toe``, ``collar``, ``shoulder``,
            ``upperarm``, ``arm``, ``elbow``, ``hand``, ``pelvis``, ``spine``, ``neck``, ``head``,
            or empty for all that is none of these.
        helper: Whether it is a joint that only helps another: a twist joint, an IK target, an end.
    """

    side: Side | None
    part: str
    helper: bool


@lru_cache(maxsize=4096)
def read_name(name: str) -> Word:
    """Take the name of a joint apart."""
    tokens = [text.lower() for text, _ in _tokens(name)]
    side, place, rest = _side(tokens)
    if side is not None:
        tokens[place] = rest
    body = [token for token in tokens if token and token not in _SAYS_NOTHING]
    helper = any(token in _HELPERS for token in body)
    for start in range(len(body)):
        part = _PARTS.get("".join(body[start:]))
        if part is not None:
            part = "pelvis" if part == "hip" and side is None else part
            return Word(side, part, helper)
    return Word(side if body else None, "", helper)


@lru_cache(maxsize=4096)
def mirrored(name: str) -> str:
    """The name of the joint on the other side; of one that has no side, the same.

    Twice gives the name back: ``L_Hip`` and ``R_Hip``, ``LeftArm`` and ``RightArm``.
    """
    if read_name(name).side is None:
        return name
    tokens = list(_tokens(name))
    _, place, rest = _side([text.lower() for text, _ in tokens])
    text, start = tokens[place]
    end = start + len(text) - len(rest)
    return name[:start] + _other(name[start:end]) + name[end:]


def _tokens(name: str) -> list[tuple[str, int]]:
    """The words of a name, and where each starts: at capitals, and at what is no letter."""
    first = max(name.rfind(":"), name.rfind("|")) + 1
    found = re.finditer(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name[first:])
    return [(each.group(), first + each.start()) for each in found]


def _side(tokens: list[str]) -> tuple[Side | None, int, str]:
    """The side that tokens tell, which of them does, and what else that one says."""
    for place, token in enumerate(tokens):
        if token in _SIDES:
            return _SIDES[token], place, ""
    for place, token in enumerate(tokens):
        for mark, side in _SIDES.items():
            rest = token.removeprefix(mark)
            if rest != token and rest in _PARTS:
                return side, place, rest
    return None, 0, ""


def _other(mark: str) -> str:
    """The mark of the other side, in the same spelling."""
    marks = list(_SIDES)
    half = len(marks) // 2
    other = marks[(marks.index(mark.lower()) + half) % len(marks)]
    if mark.isupper():
        return other.upper()
    return other.capitalize() if mark[0].isupper() else other
