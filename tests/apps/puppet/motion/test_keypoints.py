from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.puppet.motion.keypoints import parse_keypoints, read_keypoints
from cartoonedit.errors import InvalidInput

BODY_25 = {0: 0, 2: 6, 3: 8, 4: 10, 5: 5, 6: 7, 7: 9, 9: 12, 10: 14, 11: 16, 12: 11, 13: 13,
           14: 15, 15: 2, 16: 1, 17: 4, 18: 3}  # fmt: skip
BODY_18 = {0: 0, 2: 6, 3: 8, 4: 10, 5: 5, 6: 7, 7: 9, 8: 12, 9: 14, 10: 16, 11: 11, 12: 13,
           13: 15, 14: 2, 15: 1, 16: 4, 17: 3}  # fmt: skip
"""OpenPose's number of a keypoint to COCO's."""


def person(x: float = 100, size: float = 1.0, score: float = 0.9) -> list[list[float]]:
    """17 rows; keypoint k lies at (x + 3 k, 50 + 5 k), larger by a size."""
    return [[x + 3 * k * size, 50 + 5 * k * size, score] for k in range(17)]


def flat(rows: list[list[float]]) -> list[float]:
    return [number for row in rows for number in row]


def openpose(rows: list[list[float]], order: dict[int, int], count: int) -> list[float]:
    table = [[1.0, 2.0, 0.5]] * count
    for theirs, ours in order.items():
        table[theirs] = rows[ours]
    return flat(table)


XS = (100.0, 110.0, 120.0)
COCO = {
    "images": [{"id": i, "file_name": f"frame{i}.png"} for i in (2, 10, 9)],
    "annotations": [
        {"image_id": i, "id": 7, "keypoints": flat(person(x, score=2))}
        for i, x in zip((2, 9, 10), XS, strict=True)
    ],
}
FORMS: dict[str, Any] = {
    "results": [{"image_id": i, "keypoints": flat(person(x))} for i, x in enumerate(XS)],
    "results by name": [
        {"image_id": f"{i}.jpg", "keypoints": flat(person(x)), "score": 3.1}
        for i, x in zip((10, 9, 11), (XS[1], XS[0], XS[2]), strict=True)
    ],
    "frames of people": [{"people": [{"pose_keypoints_2d": flat(person(x))}]} for x in XS],
    "frames of one": [{"keypoints": person(x)} for x in XS],
    "frames of lists": [[{"keypoints": flat(person(x))}] for x in XS],
    "frames of rows": [person(x) for x in XS],
    "frames of numbers": [flat(person(x)) for x in XS],
    "frames of lists of rows": [[person(x)] for x in XS],
    "in a mapping": {"fps": 30, "frames": [{"keypoints": flat(person(x))} for x in XS]},
    "openpose 25": [
        {"people": [{"pose_keypoints_2d": openpose(person(x), BODY_25, 25)}]} for x in XS
    ],
    "openpose 18": [
        {"people": [{"pose_keypoints_2d": openpose(person(x), BODY_18, 18)}]} for x in XS
    ],
    "mmpose": {
        "meta_info": {},
        "instance_info": [
            {
                "frame_id": i,
                "instances": [
                    {
                        "keypoints": [row[:2] for row in person(x)],
                        "keypoint_scores": [0.9] * 17,
                    }
                ],
            }
            for i, x in enumerate(XS, 1)
        ],
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_reads_every_form(form: str) -> None:
    keypoints = parse_keypoints(FORMS[form])
    wanted = np.array([person(x) for x in XS])
    np.testing.assert_allclose(keypoints.points, wanted[..., :2])
    np.testing.assert_allclose(keypoints.scores, 0.9)
    assert keypoints.fps == 30


def test_reads_annotations_in_the_order_of_their_files() -> None:
    keypoints = parse_keypoints({**COCO, "info": {"fps": 24}})
    assert keypoints.points[[0, -2, -1], 0, 0].tolist() == list(XS)
    assert keypoints.scores[0].tolist() == [1] * 17
    assert keypoints.fps == 24


def test_a_number_that_is_left_out_is_a_frame_without_anybody() -> None:
    numbers = (0, 10, 20, 40)
    keypoints = parse_keypoints(
        [{"image_id": number, "keypoints": flat(person(number))} for number in numbers]
    )
    assert keypoints.points[:, 1, 0].tolist() == [3, 13, 23, 0, 43]
    assert keypoints.scores[3].max() == 0


def test_numbers_with_great_gaps_are_no_numbering() -> None:
    data = [{"image_id": i, "keypoints": flat(person(1))} for i in (397133, 397134, 900000)]
    assert len(parse_keypoints(data).points) == 3


def test_reads_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "all.json").write_text(json.dumps(FORMS["results"]), encoding="utf-8")
    frames = tmp_path / "frames"
    frames.mkdir()
    for number, x in zip((8, 9, 10), XS, strict=True):
        people = {"people": [{"pose_keypoints_2d": openpose(person(x), BODY_25, 25)}]}
        (frames / f"clip_{number}_keypoints.json").write_text(json.dumps(people), encoding="utf-8")
    one, other = read_keypoints(tmp_path / "all.json", fps=25), read_keypoints(str(frames))
    np.testing.assert_allclose(one.points, other.points)
    assert one.fps == 25


@pytest.mark.parametrize("named", [False, True])
def test_follows_the_largest_or_who_is_chosen(named: bool) -> None:
    small, large = [(400 + i, 0.6) for i in range(6)], [(100 + 4 * i, 1.0) for i in range(6)]
    frames = []
    for number, pair in enumerate(zip(small, large, strict=True)):
        people = [
            {"keypoints": flat(person(x, size))} | ({"track_id": size} if named else {})
            for x, size in pair
        ]
        frames.append(people if number % 2 else people[::-1])
    frames[3] = []
    assert parse_keypoints(frames).points[:, 0, 0].tolist() == [100, 104, 108, 0, 116, 120]
    second = parse_keypoints(frames, person=1)
    assert second.points[:, 0, 0].tolist() == [400, 401, 402, 0, 404, 405]
    with pytest.raises(InvalidInput, match="no person 2: it shows 2, counted from 0"):
        parse_keypoints(frames, person=2)


def test_what_lies_at_the_origin_or_nowhere_is_not_found() -> None:
    rows = person()
    rows[3], rows[4], rows[5] = [0, 0, 0.8], [float("nan"), 1, 1], [5, 5, float("inf")]
    keypoints = parse_keypoints([{"keypoints": flat(rows)}])
    assert keypoints.scores[0, 3:6].tolist() == [0, 0, 0]
    assert np.isfinite(keypoints.points).all()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({}, "must hold COCO keypoints"),
        ([], "must hold COCO keypoints"),
        ("x", "must hold COCO keypoints"),
        ([{"image_id": 1}], "'keypoints' is missing"),
        ([{"keypoints": [1, 2, 3]}], "3 numbers instead of 51"),
        ([{"keypoints": ["a"] * 51}], "could not convert"),
        ({"images": [], "annotations": [{"image_id": 1, "keypoints": []}]}, "'1' is missing"),
        ([{"people": []}], "shows nobody: no keypoint was found in any of its 1 frames"),
        ({"fps": "fast", "frames": [person()]}, "fps must be a number"),
        ({"fps": 0, "frames": [person()]}, "frames a second must be"),
    ],
)
def test_says_what_is_wrong(data: Any, text: str) -> None:
    with pytest.raises(InvalidInput, match=text):
        parse_keypoints(data)


@pytest.mark.parametrize("name", ["gone.json", "bad.json", "empty"])
def test_says_what_cannot_be_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match=name):
        read_keypoints(tmp_path / name)


ANYTHING = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=4) | st.just(flat(person())),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["images", "annotations", "id", "image_id", "keypoints", "people", "frames", "fps",
             "instance_info", "frame_id", "instances", "pose_keypoints_2d", "file_name"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(ANYTHING)
@settings(max_examples=300, deadline=None)
def test_whatever_is_given_is_refused_in_words_or_read(data: Any) -> None:
    try:
        keypoints = parse_keypoints(data)
    except InvalidInput:
        return
    assert np.isfinite(keypoints.points).all()
    assert keypoints.points.shape[1:] == (17, 2)
