from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from huggingface_hub import constants
from onnx import TensorProto, helper

from cartoonedit.errors import InvalidInput, ModelNotFound
from cartoonedit.instance import Tag
from cartoonedit.tagger import Tagger
from cartoonedit.tagger import onnx as onnx_form
from cartoonedit.tagger import wd14 as module

SIDE = 8
NAMES = (("safe", 9), ("risky", 9), ("blue_theme", 0), ("green_theme", 0), ("red_theme", 0),
         ("blue", 4), ("green", 4), ("red", 4))  # fmt: skip


def write_tagger(folder: Path, bias: float = 0.0, channels: int = 3) -> Path:
    """A tagger whose scores are the mean of each channel over 255, three times over.

    The first two are the mean of all channels and 0.1. ``bias`` is added to all of them.
    """
    weights = np.zeros((channels, 8), np.float32)
    weights[:, 0] = 1 / 3
    for channel in range(3):
        weights[channel, 2 + channel] = weights[channel, 5 + channel] = 1
    offset = np.full(8, bias, np.float32)
    offset[1] += 0.1
    nodes = [
        helper.make_node("ReduceMean", ["input", "axes"], ["mean"], keepdims=0),
        helper.make_node("Div", ["mean", "white"], ["share"]),
        helper.make_node("MatMul", ["share", "weights"], ["scores"]),
        helper.make_node("Add", ["scores", "offset"], ["output"]),
    ]
    constants_ = {
        "axes": np.array([1, 2], np.int64),
        "white": np.float32(255),
        "weights": weights,
        "offset": offset,
    }
    graph = helper.make_graph(
        nodes,
        "tagger",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", SIDE, SIDE, channels])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", 8])],
        [onnx.numpy_helper.from_array(np.asarray(v), name) for name, v in constants_.items()],
    )
    opset = [helper.make_opsetid("", 18)]
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), folder / "model.onnx")
    rows = [f"{index},{name},{category},1" for index, (name, category) in enumerate(NAMES)]
    (folder / "selected_tags.csv").write_text("\n".join(["tag_id,name,category,count", *rows]))
    return folder


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    module._loaded.cache_clear()
    yield
    module._loaded.cache_clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tagger(tmp_path / "wd")


def plain(*colour: int, size: tuple[int, int] = (8, 8)) -> np.ndarray:
    return np.full((*size, len(colour)), colour, np.uint8)


def named(tags: list[Tag]) -> dict[str, float]:
    return {tag.name: round(tag.score, 2) for tag in tags}


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        # The network sees blue first: its "blue" is the first channel that it is given.
        (plain(0, 0, 255), {"blue_theme": 1.0, "blue": 1.0, "safe": 0.33}),
        (plain(255, 0, 0), {"red_theme": 1.0, "red": 1.0, "safe": 0.33}),
        (plain(102, 0, 0), {"red_theme": 0.4, "safe": 0.13}),
        (plain(0, 0, 0), {"risky": 0.1}),
        # Padded to a white square: half of it is picture.
        (plain(0, 0, 255, size=(16, 8)), {"blue_theme": 1, "blue": 1, "safe": 0.67,
                                          "green_theme": 0.5, "red_theme": 0.5}),
        # What is transparent is white.
        (plain(0, 0, 0, 0), {"blue_theme": 1, "green_theme": 1, "red_theme": 1, "blue": 1,
                             "green": 1, "red": 1, "safe": 1}),
        (plain(255, 0, 0, 255), {"red_theme": 1.0, "red": 1.0, "safe": 0.33}),
    ],
)  # fmt: skip
def test_the_input_form(folder: Path, image: np.ndarray, expected: dict[str, float]) -> None:
    assert named(Tagger(folder)(image)) == pytest.approx(expected, abs=0.011)


def test_the_input_array() -> None:
    image = np.zeros((2, 4, 3), np.uint8)
    image[...] = (10, 20, 30)
    shown = onnx_form._as_input(image, 4)
    assert shown.shape == (1, 4, 4, 3) and shown.dtype == np.float32 and shown.flags.c_contiguous
    np.testing.assert_array_equal(shown[0, 1], [[30, 20, 10]] * 4)
    assert (shown[0, 0] == 255).all() and (shown[0, 3] == 255).all()


def test_sorted_with_categories_and_one_rating(folder: Path) -> None:
    tags = Tagger(folder, general=0.1, character=0.1)(plain(100, 200, 50))
    assert [tag.name for tag in tags] == ["green_theme", "green", "safe", "red_theme", "red",
                                          "blue_theme", "blue"]  # fmt: skip
    assert {tag.category for tag in tags} == {"general", "character", "rating"}
    assert [tag.name for tag in tags if tag.category == "rating"] == ["safe"]


@pytest.mark.parametrize(
    ("general", "character", "count"), [(0.35, 0.85, 1), (0.35, 0.3, 2), (0.6, 0.6, 0)]
)
def test_thresholds(folder: Path, general: float, character: float, count: int) -> None:
    tags = Tagger(folder, general=general, character=character)(plain(128, 0, 0))
    assert len([tag for tag in tags if tag.category != "rating"]) == count


def test_outputs_that_are_no_probabilities_yet(tmp_path: Path) -> None:
    tags = Tagger(write_tagger(tmp_path, bias=-5.0), general=0.0)(plain(0, 0, 255))
    expected = 1 / (1 + np.exp(4.0))
    assert next(tag.score for tag in tags if tag.name == "blue_theme") == pytest.approx(expected)


def test_one_session_for_many_pictures(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    session = onnxruntime.InferenceSession

    def count(*args: Any, **kwargs: Any) -> Any:
        made.append(args)
        return session(*args, **kwargs)

    monkeypatch.setattr(onnxruntime, "InferenceSession", count)
    tagger = Tagger(folder, device="cpu")
    for shade in (0, 100, 200):
        tagger(plain(shade, shade, shade))
    Tagger(folder, device="cpu", general=0.7)(plain(1, 2, 3))
    assert len(made) == 1


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    "name", ["wd-v1-4-swinv2-tagger-v2", "wd-swinv2-tagger-v3", "wd-eva02-large-tagger-v3"]
)
def test_the_catalogue(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelNotFound, match=f"cartoonedit models fetch {name}"):
        Tagger(name)(plain(0, 0, 0))
    top = tmp_path / f"models--SmilingWolf--{name}"
    write_tagger(top / "snapshots" / "abc")
    (top / "refs").mkdir()
    (top / "refs" / "main").write_text("abc")
    assert "blue" in named(Tagger(name)(plain(0, 0, 255)))


def test_the_path_of_a_model(folder: Path) -> None:
    assert "blue" in named(Tagger(str(folder / "model.onnx"))(plain(0, 0, 255)))


def test_a_list_with_a_mark_of_its_byte_order(folder: Path) -> None:
    expected = Tagger(folder)(plain(0, 0, 255))
    file = folder / "selected_tags.csv"
    rows = [line.split(",", 1)[1] for line in file.read_text().splitlines()]  # name comes first
    file.write_text("\n".join(rows), encoding="utf-8-sig")
    module._loaded.cache_clear()
    assert Tagger(folder)(plain(0, 0, 255)) == expected


def no_model(folder: Path) -> None:
    (folder / "model.onnx").unlink()


def no_tags(folder: Path) -> None:
    (folder / "selected_tags.csv").unlink()


def other_tags(folder: Path) -> None:
    (folder / "selected_tags.csv").write_text("tag_id,name,category,count\n1,a,0,1\n")


def no_columns(folder: Path) -> None:
    (folder / "selected_tags.csv").write_text("a,b\n1,2\n")


def tags_of(content: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / "selected_tags.csv").write_bytes(content) and None


def no_graph(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"no graph")


def another_graph(folder: Path) -> None:
    write_tagger(folder, channels=4)


@pytest.mark.parametrize(
    ("damage", "error", "word"),
    [
        (no_model, ModelNotFound, "lacks"),
        (no_tags, ModelNotFound, "lacks"),
        (other_tags, InvalidInput, "do not belong together"),
        (no_columns, InvalidInput, "no list of tags"),
        (tags_of(b"name,category\ncaf\xe9,0\n"), InvalidInput, "no list of tags, which is CSV"),
        (tags_of("name,category\na,0\n".encode("utf-16")), InvalidInput, "no list of tags"),
        (tags_of(b'name,category\n"' + b"a" * 200_000), InvalidInput, "which is CSV in UTF-8"),
        (tags_of(b"tag_id,name,category\n1,a,0\n2,b\n"), InvalidInput, "tag 2 of 2 lacks its"),
        (tags_of(b"tag_id,name,category\n1,,0\n"), InvalidInput, "tag 1 of 1 lacks its name"),
        (no_graph, InvalidInput, "no ONNX graph"),
        (another_graph, InvalidInput, "side, side, 3"),
    ],
)
def test_a_tagger_that_is_not_whole(
    folder: Path, damage: Callable[[Path], None], error: type[Exception], word: str
) -> None:
    damage(folder)
    with pytest.raises(error, match=word):
        Tagger(folder)(plain(0, 0, 0))


@pytest.mark.parametrize("image", [plain(0, 0), np.zeros((4, 4), np.uint8), plain(0, 0, 0) / 2])
def test_wrong_images(folder: Path, image: np.ndarray) -> None:
    with pytest.raises(InvalidInput, match="RGB or RGBA"):
        Tagger(folder)(image)


@pytest.mark.parametrize("options", [{"general": 1.5}, {"character": -1}, {"device": "tpu"}])
def test_wrong_options(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Tagger(**options)
