from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from huggingface_hub import constants
from numpy.typing import NDArray
from onnx import TensorProto, helper

from apps.puppet.joints import pose as module
from apps.puppet.joints.crop import cut_out
from apps.puppet.joints.find import find_joints
from apps.puppet.joints.pose import PoseNetwork, decode_heatmaps, decode_simcc
from apps.puppet.joints.silhouette.estimate import estimate
from cartoonedit.errors import InvalidInput, ModelNotFound
from cartoonedit.instance import Instance
from tests.apps.puppet.joints.figures import mask_of, skeleton

WH = (48, 64)
RANDOM = np.random.default_rng(5)
PLACES = RANDOM.integers(2, [WH[0] - 2, WH[1] - 2], (17, 2))  # pixels of the input
SCORES = np.full(17, 0.9)


def rows(places: NDArray[np.int64], count: int = 17) -> dict[str, NDArray[np.float32]]:
    """Outputs of SimCC, two cells a pixel, with peaks at places; other points are at 0."""
    found = {"simcc_x": np.zeros((1, count, 2 * WH[0])), "simcc_y": np.zeros((1, count, 2 * WH[1]))}
    for point, (x, y) in enumerate(places):
        found["simcc_x"][0, point, 2 * x] = found["simcc_y"][0, point, 2 * y] = SCORES[point]
    return {name: value.astype(np.float32) for name, value in found.items()}


def write_network(
    file: Path,
    outputs: dict[str, NDArray[np.float32]],
    shape: tuple[object, ...] = ("N", 3, WH[1], WH[0]),
) -> Path:
    """A network that gives the same whatever it sees."""
    nodes = [helper.make_node("ReduceMean", ["input"], ["mean"], keepdims=0)]
    nodes.append(helper.make_node("Mul", ["mean", "zero"], ["nothing"]))
    initial = [onnx.numpy_helper.from_array(np.float32(0), "zero")]
    for name, value in outputs.items():
        nodes.append(helper.make_node("Add", [f"{name}_value", "nothing"], [name]))
        initial.append(onnx.numpy_helper.from_array(value, f"{name}_value"))
    graph = helper.make_graph(
        nodes,
        "pose",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, v.shape) for n, v in outputs.items()],
        initial,
    )
    opset = [helper.make_opsetid("", 18)]
    file.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), file)
    return file


def write_finder(file: Path, wh: tuple[int, int] = (96, 128), stride: int = 1) -> Path:
    """A network whose maps are how red the picture is: all 17 points lie on what is reddest."""
    weights = np.zeros((17, 3, stride, stride), np.float32)
    weights[:, 0], weights[:, 1] = 1 / stride**2, -1 / stride**2
    node = helper.make_node(
        "Conv", ["input", "weights"], ["maps"], kernel_shape=[stride] * 2, strides=[stride] * 2
    )
    graph = helper.make_graph(
        [node],
        "finder",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, wh[1], wh[0]])],
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(weights, "weights")],
    )
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), file)
    return file


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    module._loaded.cache_clear()
    yield
    module._loaded.cache_clear()


def figure(scale: float = 1.0) -> tuple[NDArray[np.uint8], Instance]:
    mask = mask_of(skeleton(), scale=scale)
    return np.full((*mask.shape, 3), 120, np.uint8), Instance(mask, name="a")


def to_picture(instance: Instance, places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Where pixels of the input lie: written down anew, from the box and its margin."""
    x1, y1, x2, y2 = instance.bounds_xyxy
    size = 1.25 * max((x2 - x1) / WH[0], (y2 - y1) / WH[1])  # of a pixel of the input
    middle = np.array([(x1 + x2) / 2, (y1 + y2) / 2])
    return (places + 0.5 - np.array(WH) / 2) * size + middle


@pytest.mark.parametrize("count", [17, 26, 133])
@pytest.mark.parametrize("scale", [0.2, 1, 3])
def test_peaks_of_simcc(tmp_path: Path, count: int, scale: float) -> None:
    picture, instance = figure(scale)
    network = PoseNetwork(write_network(tmp_path / "n.onnx", rows(PLACES, count)))
    found = network.keypoints(picture, instance)
    np.testing.assert_allclose(found[:, :2], to_picture(instance, PLACES), atol=1e-4)
    np.testing.assert_allclose(found[:, 2], SCORES, atol=1e-6)


def test_key_points_become_joints(tmp_path: Path) -> None:
    picture, instance = figure()
    found = PoseNetwork(write_network(tmp_path / "n.onnx", rows(PLACES)))(picture, instance)
    at = to_picture(instance, PLACES)
    np.testing.assert_allclose(found.skeleton["neck"], at[0], atol=1e-4)
    np.testing.assert_allclose(found.skeleton["left_hand"], at[9], atol=1e-4)
    np.testing.assert_allclose(found.skeleton["right_foot"], at[16], atol=1e-4)
    np.testing.assert_allclose(found.skeleton["root"], (at[11] + at[12]) / 2, atol=1e-4)
    np.testing.assert_allclose(found.skeleton["torso"], (at[5] + at[6]) / 2, atol=1e-4)
    assert found.scores.shape == (16,) and found.scores == pytest.approx(0.9)


@pytest.mark.parametrize("order", [1, -1])
def test_outputs_are_told_by_their_names(tmp_path: Path, order: int) -> None:
    picture, instance = figure()
    outputs = dict(list(rows(PLACES).items())[::order])
    found = PoseNetwork(write_network(tmp_path / "n.onnx", outputs)).keypoints(picture, instance)
    np.testing.assert_allclose(found[:, :2], to_picture(instance, PLACES), atol=1e-4)


@pytest.mark.parametrize("place", [(30, 40), (160, 300), (95, 20)])
@pytest.mark.parametrize("scale", [1.0, 0.37, 5.0])
@pytest.mark.parametrize("stride", [1, 2])
def test_what_the_network_sees_is_where_it_says(
    tmp_path: Path, place: tuple[int, int], scale: float, stride: int
) -> None:
    """The way into the crop and back, by a network that looks for a red spot."""
    size = np.array([200, 380]) * scale
    height, width = round(size[1]), round(size[0])
    ys, xs = np.mgrid[:height, :width] + 0.5
    centre = np.array(place) * scale
    spread = 9 * max(scale, 0.6)
    spot = np.exp(-((xs - centre[0]) ** 2 + (ys - centre[1]) ** 2) / (2 * spread**2))
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 0] = np.rint(255 * spot)
    instance = Instance(np.full((height, width), 255, np.uint8), name="a")
    network = PoseNetwork(write_finder(tmp_path / "n.onnx", stride=stride))
    found = network.keypoints(picture, instance)
    # In pixels of the picture, or of the input where that is coarser.
    coarse = max(1.0, 1.25 * height / 128) * stride
    assert np.abs(found[:, :2] - centre).max() < 0.75 * coarse


def test_the_crop_shows_the_character_alone() -> None:
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[:, :, 0] = 200
    mask = np.zeros((100, 100), np.uint8)
    mask[20:80, 30:60] = 255
    crop = cut_out(picture, Instance(mask), (40, 60))
    assert crop.image.shape == (60, 40, 3)
    assert (crop.image[30, 20] == (200, 0, 0)).all() and (crop.image[[0, -1]] == 255).all()
    np.testing.assert_allclose(crop.to_picture(np.array([[20, 30]])), [[45, 50]])
    # 60 rows and the margin are 75, in 60 pixels of the crop.
    assert crop.scale == pytest.approx(0.8)


def test_rows_and_maps_by_hand() -> None:
    rows_x = np.array([[0, 0, 0, 1.0, 0, 0]])
    rows_y = np.array([[0, 0.5, 0, 0.0]])
    np.testing.assert_allclose(decode_simcc(rows_x, rows_y, (3, 2)), [[2, 1, 0.5]])
    maps = np.zeros((2, 3, 5))
    maps[0, 1, 3], maps[0, 1, 2], maps[0, 1, 4] = 1, 0.5, 0.5
    maps[1, 2, 4] = 0.3
    found = decode_heatmaps(maps, (17, 9))
    np.testing.assert_allclose(found, [[12.5, 4.5, 1], [16.5, 8.5, 0.3]])
    maps[0, 1, 4] = 0.9  # the peak lies between
    assert 12.5 < decode_heatmaps(maps, (17, 9))[0, 0] < 14.5


@pytest.mark.parametrize(
    ("outputs", "shape", "message"),
    [
        (rows(PLACES), ("N", WH[1], WH[0], 3), "takes input of shape"),
        ({"heat": np.zeros((1, 5, 16, 12), np.float32)}, None, r"heat \(1, 5, 16, 12\)"),
        ({"y": np.zeros((1, 34), np.float32)}, None, "no pose network of a known form"),
        ({"heat": np.full((1, 17, 16, 12), np.nan, np.float32)}, None, "known form"),
    ],
)
def test_other_networks_are_told(
    tmp_path: Path, outputs: dict, shape: tuple | None, message: str
) -> None:
    file = write_network(tmp_path / "n.onnx", outputs, shape or ("N", 3, WH[1], WH[0]))
    with pytest.raises(InvalidInput, match=message):
        PoseNetwork(file)(*figure())


def test_what_is_no_network_is_told(tmp_path: Path) -> None:
    (tmp_path / "n.onnx").write_bytes(b"nothing")
    with pytest.raises(InvalidInput, match="no ONNX graph"):
        PoseNetwork(tmp_path / "n.onnx")(*figure())
    with pytest.raises(InvalidInput, match="device of a pose network"):
        PoseNetwork(tmp_path / "n.onnx", device="tpu")


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    ("name", "message"),
    [("dwpose", "models fetch dwpose"), ("vitpose-b", "models fetch"), ("a/b", "hf download a/b"),
     ("a/b/c.onnx", "c.onnx was looked for"), ("./none.onnx", "Check the path")],
)  # fmt: skip
def test_networks_that_are_not_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelNotFound, match=message):
        PoseNetwork(name)(*figure())


@pytest.mark.parametrize("name", ["owner/net", "owner/net/sub/pose.onnx"])
def test_a_repository_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    folder = tmp_path / "models--owner--net"
    file = name.split("/", 2)[2] if name.count("/") > 1 else "model.onnx"
    written = write_network(folder / "snapshots/abc" / file, rows(PLACES))
    (folder / "refs").mkdir()
    (folder / "refs/main").write_text("abc")
    assert PoseNetwork(name).file == written


def test_what_the_network_is_not_sure_of_comes_from_the_silhouette(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, instance = figure()
    scores = SCORES.copy()
    scores[[9, 15]] = 0.1  # left wrist and ankle
    monkeypatch.setattr("tests.apps.puppet.joints.test_pose.SCORES", scores)
    middle = np.full((17, 2), (WH[0] // 2, WH[1] // 2))
    middle += RANDOM.integers(-2, 3, (17, 2))
    file = write_network(tmp_path / "n.onnx", rows(middle))
    found = find_joints(picture, instance, file)
    guess = estimate(instance.mask).skeleton
    for joint in ("left_hand", "left_foot"):
        np.testing.assert_allclose(found.skeleton[joint], guess[joint], atol=4)
    assert np.hypot(*(found.skeleton["right_hand"] - guess["right_hand"])) > 20
    assert "14 joints" in found.note and "left_hand, left_foot" in found.note
    assert 0.5 < found.confidence < 0.9
    cut = Instance(instance.mask[:250], name="a")  # a bust has no foot to take instead
    found = find_joints(picture[:250], cut, file)
    assert "left_foot" not in found.skeleton and "left out: left_foot" in found.note
