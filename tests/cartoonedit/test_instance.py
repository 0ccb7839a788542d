from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartoonedit.errors import InvalidInput
from cartoonedit.instance import Instance, Tag, arrange, check_name


def box_mask(x1: int, y1: int, x2: int, y2: int, size_wh: tuple[int, int] = (32, 24)) -> np.ndarray:
    mask = np.zeros((size_wh[1], size_wh[0]), np.uint8)
    mask[y1:y2, x1:x2] = 255
    return mask


def test_geometry() -> None:
    instance = Instance(box_mask(4, 2, 10, 8))
    assert instance.bounds_xyxy == (4, 2, 10, 8)
    assert instance.centre_xy == (7.0, 5.0)
    assert instance.area == 36
    faint = Instance(np.where(box_mask(4, 2, 10, 8) > 0, 100, 0).astype(np.uint8))
    assert faint.bounds_xyxy == (4, 2, 10, 8) and faint.area == 0
    empty = Instance(np.zeros((4, 4), np.uint8))
    assert empty.bounds_xyxy == (0, 0, 0, 0) and empty.centre_xy == (0.0, 0.0)


def test_masks_are_converted_and_read_only() -> None:
    alpha = box_mask(4, 2, 10, 8)
    for mask in (alpha, alpha > 0, alpha / 255.0, np.asfortranarray(alpha)):
        instance = Instance(mask)
        assert np.array_equal(instance.mask, alpha) and instance.mask.dtype == np.uint8
        with pytest.raises(ValueError, match="read-only"):
            instance.mask[0, 0] = 1
    alpha[0, 0] = 1  # the caller's own array stays as it was


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("mask", "a.png", "must be an array .*got str. open_mask"),
        ("mask", np.zeros((4, 4, 3), np.uint8), r"got uint8 \(4, 4, 3\)"),
        ("mask", np.zeros((4, 4), np.int32), "got int32"),
        ("mask", np.full((4, 4), 255.0), "got float64 from 255"),
        ("mask", np.full((4, 4), np.nan), "got float64 from nan"),
        ("score", 1.5, r"score must be in 0..1; got 1.5"),
        ("score", "0.5", "finite number; got '0.5'"),
        ("score", float("nan"), "finite number"),
        ("score", 10**400, "finite number"),
        ("depth", -0.1, r"depth must be in 0..1"),
        ("name", "../../x", "cannot be a file name"),
        ("box_xyxy", (1, 2, 3), "must be 4 numbers; got 3"),
        ("box_xyxy", (5, 0, 1, 9), "left <= right"),
        ("box_xyxy", "1234", "must be 4 numbers"),
        ("tags", ("blue_hair",), "must be Tag objects; got str"),
        ("tags", (Tag("hat", float("nan")),), "score of tag 'hat' must be a finite number"),
        ("tags", (Tag("hat", 7),), "score of tag 'hat' must be in 0..1"),
        ("joints", {"head": (1,)}, "joint 'head' must be 2 numbers"),
        ("joints", [(1, 2)], "must map names"),
    ],
)
def test_every_field_is_checked(field: str, value: Any, message: str) -> None:
    fields = {"mask": box_mask(1, 1, 5, 5), field: value}
    with pytest.raises(InvalidInput, match=message):
        Instance(**fields)


@pytest.mark.parametrize("name", ["character-1", "りんご", "Anna Maria", "a.b_c-2", "ö" * 80])
def test_good_names(name: str) -> None:
    assert check_name(name) == name


HARMFUL = [
    "",
    ".",
    "..",
    ".hidden",
    "a.",
    " a",
    "a ",
    "a/b",
    "a\\b",
    "/etc/x",
    "../../x",
    "C:x",
    "a?",
]
HARMFUL += ["a\0", "a\n", "a\u202eb", "\ud800", "nul", "COM1.txt", "a" * 81, "x" * 5000]


@pytest.mark.parametrize("name", HARMFUL)
def test_names_that_could_do_harm(name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be a file name"):
        check_name(name)


def test_left_to_right_with_stable_names() -> None:
    right, left = Instance(box_mask(20, 0, 30, 9)), Instance(box_mask(0, 0, 9, 9))
    assert [instance.name for instance in arrange([right, left], (32, 24))] == [
        "character-1",
        "character-2",
    ]
    named = Instance(box_mask(20, 0, 30, 9), name="character-1")
    arranged = arrange([named, left], (32, 24))
    assert [instance.name for instance in arranged] == ["character-2", "character-1"]
    assert arrange(arranged, (32, 24)) == arranged


@given(st.lists(st.integers(0, 20), max_size=12), st.randoms())
@pytest.mark.slow
def test_the_order_given_does_not_matter(lefts: list[int], random: Any) -> None:
    instances = [Instance(box_mask(x, 0, x + 1 + i, 5)) for i, x in enumerate(lefts)]
    random.shuffle(instances)
    arranged = arrange(instances, (32, 24))
    centres = [instance.centre_xy[0] for instance in arranged]
    assert centres == sorted(centres)
    assert [instance.name for instance in arranged] == [
        f"character-{number}" for number in range(1, len(lefts) + 1)
    ]


def test_empty_masks_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    empty = Instance(np.zeros((24, 32), np.uint8), name="ghost")
    assert len(arrange([empty, Instance(box_mask(0, 0, 4, 4))], (32, 24))) == 1
    assert "ghost has an empty mask" in caplog.text


@pytest.mark.parametrize(
    ("instances", "message"),
    [
        (
            [Instance(np.ones((9, 9), np.uint8), name="tall")],
            r"instance 0 \(tall\) .* \(24, 32\); got",
        ),
        (
            [Instance(box_mask(0, 0, 4, 4), name="A"), Instance(box_mask(0, 0, 5, 5), name="a")],
            "two instances are named",
        ),
        ([np.zeros((24, 32))], "number 0 is ndarray"),
    ],
)
def test_what_does_not_fit(instances: list[Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        arrange(instances, (32, 24))


def test_digest_tells_masks_apart() -> None:
    a, b = Instance(box_mask(0, 0, 4, 4)), Instance(box_mask(0, 0, 4, 4), score=0.5)
    assert a.digest == b.digest != Instance(box_mask(0, 0, 4, 5)).digest


def test_instances_can_be_sent_to_other_processes() -> None:
    instance = Instance(box_mask(0, 0, 4, 4), name="a", tags=(Tag("x", 0.5),), joints={"j": (1, 2)})
    again = pickle.loads(pickle.dumps(instance))
    assert repr(again) == repr(instance) and again.tags == instance.tags
    assert np.array_equal(again.mask, instance.mask) and again.joints == {"j": (1.0, 2.0)}
