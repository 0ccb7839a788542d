from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apps.style import BACKGROUND, PartOptions, Styled, StyleEditor
from apps.style.compose import Patch
from apps.style.frames import OpenScene, translate_clip, translate_clip_file
from cartoonedit.errors import Cancelled, CartooneditError, InvalidInput
from cartoonedit.scene import Instance, Scene, Tag
from cartoonedit.video import VideoWriter
from cartoonedit.video_reader import VideoReader
from tests.apps.style.discs import disc, draw, scene_of

Centres = Sequence[tuple[int, int]]


class Recorder(StyleEditor):
    """Stands in for an editor: paints negatives, tags like a tagger, and takes notes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**({"prompt": "ink"} | options))
        self.calls: list[dict[str, Any]] = []
        self.described: list[str] = []

    def __call__(
        self,
        scene: Scene,
        own: Any = None,
        *,
        start: Any = None,
        levels: Any = None,
        progress: Any = None,
        **_: Any,
    ) -> Styled:
        self.plan(scene, own)  # complains about names that are not there
        progress(1, 2, "describing")
        self.calls.append({"scene": scene, "own": own, "start": start, "levels": levels})
        self.described += [one.name for one in scene if not one.tags]
        meta = dict(scene.meta)
        if "background_tags" not in meta:
            self.described.append(BACKGROUND)
            meta["background_tags"] = [{"name": "sky", "score": 0.9}]
        tagged = scene.replace(
            instances=[
                Instance(one.mask, name=one.name, tags=one.tags or (Tag("hat", 0.9),))
                for one in scene
            ],
            meta=meta,
        )
        progress(2, 2, "translating")
        shown = scene.picture if start is None else start
        patch = Patch(0, 0, scene.picture, level=len(self.calls))
        edited = [part.name for part in self.plan(scene, own) if part.edited]
        return Styled(255 - shown, tagged, (), dict.fromkeys(edited, patch), scene.picture[..., 0])


def clip_of(*steps: Centres, ground: str = "drawn") -> tuple[list[np.ndarray], OpenScene]:
    """Frames, and what tells where the discs are in them."""
    frames = [draw(centres, ground=ground) for centres in steps]
    known = {frame.tobytes(): centres for frame, centres in zip(frames, steps, strict=True)}
    return frames, lambda frame: scene_of(frame, known[frame.tobytes()])


MOVING = [[(x, 60)] for x in range(50, 80, 3)]


def test_without_flow_frames_are_translated_by_themselves() -> None:
    frames, open_scene = clip_of(*MOVING)
    editor = Recorder()
    styled = list(translate_clip(editor, open_scene, frames))
    assert all(call["start"] is None for call in editor.calls)
    for frame, result in zip(frames, styled, strict=True):
        np.testing.assert_array_equal(result, 255 - frame)


def test_with_flow_the_result_before_is_moved_along() -> None:
    frames, open_scene = clip_of(*MOVING)
    editor = Recorder()
    styled = list(translate_clip(editor, open_scene, frames, flow=1))
    assert editor.calls[0]["start"] is None
    for before, call, ((x, y),) in zip(styled, editor.calls[1:], MOVING[1:], strict=False):
        inside = disc(x, y, 17) > 0
        moved = np.roll(before, 3, axis=1)  # as the disc did, and its pattern
        beside, behind = (
            np.abs(call["start"].astype(int) - wanted)[inside].mean() for wanted in (moved, before)
        )
        assert beside < 2 < 8 < behind
    assert len(styled) == len(frames)


@pytest.mark.parametrize("flow", [0.25, 0.5])
def test_flow_is_a_share(flow: float) -> None:
    frames, open_scene = clip_of([(50, 60)], [(53, 60)])
    editor = Recorder()
    list(translate_clip(editor, open_scene, frames, flow=flow))
    inside = disc(53, 60, 17) > 0
    wanted = (1 - flow) * frames[1] + flow * (255.0 - frames[1])
    assert np.abs(editor.calls[1]["start"] - wanted)[inside].mean() < 6


def test_what_comes_into_sight_starts_from_itself() -> None:
    frames, open_scene = clip_of([(50, 60)], [(58, 60)])
    editor = Recorder()
    list(translate_clip(editor, open_scene, frames, flow=1))
    start = editor.calls[1]["start"]
    uncovered = (disc(50, 60) > 127) & (disc(58, 60, 24) == 0)
    kept = (start == frames[1]).all(axis=2)
    assert kept[uncovered].mean() > 0.5
    elsewhere = (disc(50, 60, 34) == 0) & (disc(58, 60, 34) == 0)
    assert kept[elsewhere].mean() < 0.05


def test_a_cut_starts_anew() -> None:
    frames, open_scene = clip_of([(50, 60)], [(53, 60)])
    other = draw([(53, 60)], ground="drawn", scene=7)
    editor = Recorder()

    def opened(frame: np.ndarray) -> Scene:
        return scene_of(frame, [(53, 60)]) if frame is other else open_scene(frame)

    list(translate_clip(editor, opened, [*frames, other], flow=0.5))
    assert [call["start"] is None for call in editor.calls] == [True, False, True]
    # The scale that a character was worked on at is kept, too.
    assert [call["levels"] for call in editor.calls] == [{}, {BACKGROUND: 1, "character-1": 1}, {}]
    assert [call["scene"][0].name for call in editor.calls] == [*["character-1"] * 2, "character-2"]
    assert editor.described == ["character-1", BACKGROUND, "character-2", BACKGROUND]


def test_names_tags_and_options_stay() -> None:
    """Somebody comes in on the left, and somebody leaves."""
    steps: list[Centres] = [[(100, 60)], [(103, 60)], [(30, 60), (106, 60)], [(30, 60)]]
    frames, open_scene = clip_of(*steps)
    editor = Recorder()
    own = {"character-1": PartOptions(prompt="red scarf"), "background": PartOptions(seed=3)}
    list(translate_clip(editor, open_scene, frames, own=own))
    names = [[one.name for one in call["scene"]] for call in editor.calls]
    assert names == [
        ["character-1"], ["character-1"], ["character-2", "character-1"], ["character-2"]
    ]  # fmt: skip
    assert [set(call["own"]) for call in editor.calls] == [set(own)] * 3 + [{"background"}]
    assert editor.described == ["character-1", BACKGROUND, "character-2"]  # each of them once


@pytest.mark.parametrize(("retag", "described"), [(False, []), (True, ["character-1"])])
def test_what_has_tags_is_described_again_once(retag: bool, described: list[str]) -> None:
    frames, open_scene = clip_of(*MOVING[:3])

    def tagged(frame: np.ndarray) -> Scene:
        scene = open_scene(frame)
        return scene.with_instances([replace(one, tags=(Tag("cap", 1.0),)) for one in scene])

    editor = Recorder(retag=retag)
    list(translate_clip(editor, tagged, frames))
    assert editor.described == [*described, BACKGROUND]


def test_only_holds_where_the_part_is() -> None:
    frames, open_scene = clip_of([(30, 60), (100, 60)], [(33, 60)])
    editor = Recorder(only=["character-2"])
    list(translate_clip(editor, open_scene, frames))
    skipped = [
        {name for name, options in call["own"].items() if options.skip} for call in editor.calls
    ]
    assert skipped == [{"character-1", BACKGROUND}] * 2
    assert editor.options.only == ["character-2"]  # the editor is as it was


def test_names_that_are_never_there_are_told(caplog: pytest.LogCaptureFixture) -> None:
    frames, open_scene = clip_of([(100, 60)], [(30, 60), (103, 60)])
    own = {"character-2": PartOptions(seed=1), "nobody": PartOptions(seed=1)}
    with caplog.at_level(logging.WARNING):
        assert len(list(translate_clip(Recorder(), open_scene, frames, own=own))) == 2
    first, last = (record.getMessage() for record in caplog.records)
    assert "no character-2, nobody; it has character-1, background" in first
    assert "'nobody' in any frame" in last


def test_a_clip_without_any_change_is_an_error() -> None:
    frames, open_scene = clip_of(*MOVING[:2])
    for options, own in (
        ({"only": ["nobody"]}, {}),
        ({}, {name: PartOptions(skip=True) for name in ("character-1", BACKGROUND)}),
    ):
        clip = translate_clip(Recorder(**options), open_scene, frames, own=own)
        with pytest.raises(InvalidInput, match="nothing was translated"):
            list(clip)
    assert list(translate_clip(Recorder(), open_scene, [])) == []


def test_held_frames_are_translated_once() -> None:
    frames, open_scene = clip_of([(50, 60)], [(50, 60)], [(53, 60)], [(53, 60)])
    editor = Recorder()
    styled = list(translate_clip(editor, open_scene, frames, flow=0.5))
    assert len(editor.calls) == 2
    np.testing.assert_array_equal(styled[1], styled[0])
    np.testing.assert_array_equal(styled[3], styled[2])


def test_frames_are_taken_one_by_one() -> None:
    frames, open_scene = clip_of(*MOVING)
    taken = 0

    def passing() -> Iterator[np.ndarray]:
        nonlocal taken
        for frame in frames:
            taken += 1
            yield frame

    styled = translate_clip(Recorder(), open_scene, passing())
    for count in (1, 2, 3):
        next(styled)
        assert taken == count


@pytest.mark.parametrize("listed", [True, False])
def test_progress_never_goes_back(listed: bool) -> None:
    frames, open_scene = clip_of(*MOVING[:3])
    told: list[tuple[int, int, str]] = []
    given = frames if listed else iter(frames)
    list(translate_clip(Recorder(), open_scene, given, progress=lambda *said: told.append(said)))
    steps = [step for step, *_ in told]
    assert steps == [50, 100, 150, 200, 250, 300]
    assert {total for _, total, _ in told} == {300 if listed else 0}
    assert told[2][2] == "frame 2: describing"


@pytest.mark.parametrize("flow", [-0.1, 1.1, float("nan"), True, "much"])
def test_flow_has_a_range(flow: Any) -> None:
    with pytest.raises(InvalidInput, match="flow must be a number from 0 to 1"):
        translate_clip(Recorder(), scene_of, [], flow=flow)  # type: ignore[arg-type]


def test_frames_have_one_size() -> None:
    frames, open_scene = clip_of([(50, 60)])
    with pytest.raises(InvalidInput, match="one size"):
        list(translate_clip(Recorder(), open_scene, [frames[0], frames[0][:-1]]))
    with pytest.raises(InvalidInput, match="the scene of a frame"):
        list(translate_clip(Recorder(), lambda frame: Scene(frame[1:]), frames))


# ---------------------------------------------------------------- files


def write(path: Path, count: int = 4) -> Path:
    with VideoWriter(path, (160, 120), 12.5) as writer:
        for index in range(count):
            writer.write(draw([(50 + 3 * index, 60)]))
    return path


def disc_found(frame: np.ndarray) -> Scene:
    """Finds the disc by what is not the ground."""
    other = np.abs(frame.astype(int) - (230, 228, 220)).max(axis=2) > 30
    return Scene(frame, [Instance(other)])


@pytest.mark.parametrize(
    ("source", "out", "fps", "rate"),
    [
        ("a.mp4", "b.mp4", None, 12.5),
        ("a.gif", "b.webm", None, 12.5),
        ("a", "b.mp4", None, 24.0),
        ("a", "b.mp4", 10, 10.0),
        ("a.mp4", "b", None, None),
    ],
)
def test_clips_and_folders(
    tmp_path: Path, source: str, out: str, fps: float | None, rate: float | None
) -> None:
    clip = write(tmp_path / source)
    told: list[tuple[int, int]] = []
    made = translate_clip_file(
        Recorder(), disc_found, clip, tmp_path / out, fps=fps, flow=0.5,
        progress=lambda step, total, _: told.append((step, total)),
    )  # fmt: skip
    result = VideoReader(made)
    assert (result.size_wh, result.fps, result.frame_count) == ((160, 120), rate, 4)
    assert told[-1] == (400, 400)
    np.testing.assert_allclose(next(iter(result))[5, 5], (25, 27, 35), atol=8)


@pytest.mark.parametrize("out", ["b.mp4", "b"])
@pytest.mark.parametrize("error", [Cancelled, KeyboardInterrupt])
def test_nothing_half_written(tmp_path: Path, out: str, error: type[BaseException]) -> None:
    clip = write(tmp_path / "a.mp4")

    def stop(step: int, total: int, message: str) -> None:
        if step >= 250:
            raise error

    with pytest.raises(error):
        translate_clip_file(Recorder(), disc_found, clip, tmp_path / out, progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize("out", ["b.mp4", "b"])
@pytest.mark.parametrize("flow", [0.0, 0.5])
@pytest.mark.slow
def test_stopped_work_goes_on(
    tmp_path: Path, out: str, flow: float, caplog: pytest.LogCaptureFixture
) -> None:
    """With the frames that are done, and gives what it had given."""
    clip = write(tmp_path / "a.mp4")
    options: dict[str, Any] = {"flow": flow, "made_with": "a finder"}
    whole = translate_clip_file(Recorder(), disc_found, clip, tmp_path / f"whole{out}", **options)

    def stop(step: int, total: int, message: str) -> None:
        if step >= 250:
            raise Cancelled

    for _ in range(2):  # it may be stopped more than once
        with pytest.raises(Cancelled):
            translate_clip_file(
                Recorder(), disc_found, clip, tmp_path / out, progress=stop, **options
            )
        assert "2 finished frames are kept in" in caplog.text
        assert not (tmp_path / out).exists()
    editor = Recorder()
    made = translate_clip_file(editor, disc_found, clip, tmp_path / out, **options)
    assert len(editor.calls) == 2
    assert editor.calls[0]["levels"]  # what is known of the frame before is still known
    assert editor.described == []  # tags, too
    for one, other in zip(VideoReader(made), VideoReader(whole), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not (tmp_path / f"{out}.part").exists()


@pytest.mark.parametrize("other", ["flow", "made_with", "prompt", "clip", "damage"])
def test_frames_of_other_work_are_not_used(tmp_path: Path, other: str) -> None:
    clip = write(tmp_path / "a.mp4")

    def stop(step: int, total: int, message: str) -> None:
        if step >= 250:
            raise Cancelled

    options: dict[str, Any] = {"flow": 0.0, "made_with": "a finder"}
    with pytest.raises(Cancelled):
        translate_clip_file(
            Recorder(), disc_found, clip, tmp_path / "b.mp4", progress=stop, **options
        )
    editor = Recorder(prompt="oil" if other == "prompt" else "ink")
    if other == "clip":
        write(clip, 5)
    elif other == "damage":
        (tmp_path / "b.mp4.part" / "000000.json").write_text("[]")
        (tmp_path / "b.mp4.part" / "000001.png").write_bytes(b"")
    elif other != "prompt":
        options[other] = {"flow": 0.5, "made_with": "another"}[other]
    translate_clip_file(editor, disc_found, clip, tmp_path / "b.mp4", **options)
    assert len(editor.calls) == (5 if other == "clip" else 4)
    assert not (tmp_path / "b.mp4.part").exists()


def test_what_somebody_put_there_stays(tmp_path: Path) -> None:
    clip, mine = write(tmp_path / "a.mp4"), tmp_path / "b.mp4.part" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(InvalidInput, match="holds something else"):
        translate_clip_file(Recorder(), disc_found, clip, tmp_path / "b.mp4", made_with="")
    assert mine.read_text() == "mine"


@pytest.mark.parametrize(
    ("clip", "out", "options", "said"),
    [
        ("absent.mp4", "b.mp4", {}, "there is no file"),
        ("a.mp4", "b.avi", {}, "the ending must be one of"),
        ("a.mp4", "b.mp4", {"fps": 0}, "fps must be"),
        ("a.mp4", "b.mp4", {"quality": "best"}, "quality"),
        ("a.mp4", "b.mp4", {"flow": 2}, "flow"),
    ],
)
def test_what_is_wrong_is_told_before_the_work(
    tmp_path: Path, clip: str, out: str, options: dict[str, Any], said: str
) -> None:
    write(tmp_path / "a.mp4", count=1)
    editor = Recorder()
    with pytest.raises(CartooneditError, match=said):
        translate_clip_file(editor, disc_found, tmp_path / clip, tmp_path / out, **options)
    assert not editor.calls


# ---------------------------------------------------------------- networks


@pytest.mark.parametrize("flow", [0.0, 0.6])
def test_networks(make_editor: Any, flow: float) -> None:
    """Without flow a clip is its frames one by one, to the bit; with it, from the second on not."""
    frames, open_scene = clip_of(*MOVING[:3], ground="flat")
    editor: StyleEditor = make_editor(steps=2, strength=0.5, mode="fused")
    own = {"character-1": PartOptions(prompt="red scarf")}
    styled = list(translate_clip(editor, open_scene, frames, own=own, flow=flow))
    alone = [editor(open_scene(frame), own).picture for frame in frames]
    np.testing.assert_array_equal(styled[0], alone[0])
    same = [np.array_equal(one, other) for one, other in zip(styled, alone, strict=True)]
    assert same == ([True] * 3 if flow == 0 else [True, False, False])
