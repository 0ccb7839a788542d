"""Joints from a pose network: RTMPose, DWPose, ViTPose and their kin, as ONNX graphs.

Such a network looks at one character, cut out upright with a margin, and gives the key points of
COCO first. Two forms of output are known: a row of scores for x and one for y of each point (SimCC,
Li 2022), and a map of scores for each point.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.puppet.joints.coco import KEYPOINTS, coco_points
from apps.puppet.joints.crop import Crop, cut_out
from apps.puppet.skeleton import Skeleton
from cartoonedit import hub
from cartoonedit.errors import InvalidInput, ModelNotFound
from cartoonedit.instance import Instance
from cartoonedit.onnx_graph import open_graph

__all__ = ["NetworkPose", "PoseNetwork", "decode_heatmaps", "decode_simcc"]

_MEAN = np.array([123.675, 116.28, 103.53], np.float32)  # RGB of ImageNet
_STD = np.array([58.395, 57.12, 57.375], np.float32)
_USUAL_WH = (192, 256)  # of a graph that takes any size
_MODEL_FILES = ("model.onnx", "end2end.onnx", "onnx/model.onnx")
_NAMES = ("dwpose", "rtmpose-m", "vitpose-b")
_DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True, eq=False)
class NetworkPose:
    """What a network says of a character.

    Attributes:
        skeleton: All joints, in pixels of the picture.
        scores: ``float64`` ``(J,)``: how sure it is of each, 0..1.
    """

    skeleton: Skeleton
    scores: NDArray[np.float64]


@dataclass(frozen=True)
class PoseNetwork:
    """Find joints with a network, which is loaded at the first picture and kept.

    Attributes:
        model: A name of the catalogue, such as ``dwpose``, a repository ``owner/name`` of the hub
            or a file ``owner/name/file.onnx`` in one, both in the local cache, or the path of an
            ``.onnx`` file.
        device: ``auto`` (CUDA where the installed onnxruntime has it, else the CPU), ``cpu`` or
            ``cuda``.

    Raises:
        InvalidInput: The device is none of these.
    """

    model: str | Path = "dwpose"
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.device not in _DEVICES:
            raise InvalidInput(
                f"the device of a pose network must be one of {', '.join(_DEVICES)}; got"
                f" {self.device!r}."
            )

    def __call__(self, picture: NDArray[np.uint8], instance: Instance) -> NetworkPose:
        """Find the joints of one character.

        Args:
            picture: RGB ``uint8`` ``(H, W, 3)``.
            instance: The character; what is around it is hidden from the network.

        Raises:
            ModelNotFound: The weights are not on this machine.
            InvalidInput: The weights are no pose network of this kind.
        """
        keypoints = self.keypoints(picture, instance)
        points = coco_points(keypoints, least=-1.0)
        skeleton = Skeleton.build({name: point[:2] for name, point in points.items()})
        return NetworkPose(skeleton, np.array([points[name][2] for name in skeleton.names]))

    def keypoints(self, picture: NDArray[np.uint8], instance: Instance) -> NDArray[np.float64]:
        """The key points of COCO: ``(17, 3)``, x and y in pixels of the picture, score 0..1."""
        graph = _loaded(str(self.file), self.device)
        crop = cut_out(picture, instance, graph.size_wh)
        found = graph(crop)[: len(KEYPOINTS)]
        return np.column_stack((crop.to_picture(found[:, :2]), np.clip(found[:, 2], 0, 1)))

    @property
    def file(self) -> Path:
        """Where the graph is.

        Raises:
            ModelNotFound: It is not on this machine.
        """
        name = str(self.model)
        repo, *rest = name.split("/", 2)
        repo = "/".join([repo, *rest[:1]])
        names = tuple(rest[1:]) or _MODEL_FILES
        if name in hub.CATALOGUE or Path(name).exists() or not hub.is_repository(repo):
            return hub.resolve(self.model)
        for file in names:
            folder = hub.cached_folder(repo, file)
            if folder is not None:
                return folder / Path(file).name
        raise ModelNotFound(
            f"there is no pose network at {name}, neither on this machine nor in the Hugging Face"
            f" cache, where {' or '.join(names)} was looked for. If it is a repository of the hub,"
            f" fetch it with: hf download {repo}; or take one of: {', '.join(_NAMES)}."
        )


class _Graph:
    """One loaded network."""

    def __init__(self, file: Path, device: str) -> None:
        self._session = open_graph(file, device, "pose network")
        self._file = file
        self._input = self._session.get_inputs()[0]
        self._outputs = [output.name for output in self._session.get_outputs()]
        shape = self._input.shape
        if len(shape) != 4 or shape[1] != 3:
            raise InvalidInput(
                f"{file} takes input of shape {shape}; a pose network takes (N, 3, height, width)."
            )
        sizes = [side if isinstance(side, int) else None for side in (shape[3], shape[2])]
        self.size_wh = (sizes[0] or _USUAL_WH[0], sizes[1] or _USUAL_WH[1])
        self._batch = shape[0] if isinstance(shape[0], int) else 1

    def __call__(self, crop: Crop) -> NDArray[np.float64]:
        """``(K, 3)``: x and y in pixels of the crop, and the score, of each of its points."""
        shown = ((crop.image.astype(np.float32) - _MEAN) / _STD).transpose(2, 0, 1)
        batch = np.ascontiguousarray(np.repeat(shown[None], self._batch, axis=0))
        outputs = dict(
            zip(self._outputs, self._session.run(None, {self._input.name: batch}), strict=True)
        )
        found = self._decoded(outputs)
        if found is None or len(found) < len(KEYPOINTS) or not np.isfinite(found).all():
            shapes = ", ".join(f"{name} {value.shape}" for name, value in outputs.items())
            raise InvalidInput(
                f"{self._file} is no pose network of a known form: it gives {shapes}. Known are"
                f" SimCC (two outputs, (N, K, x) and (N, K, y)) and maps (N, K, height, width) of"
                f" at least the {len(KEYPOINTS)} key points of COCO."
            )
        return found

    def _decoded(self, outputs: dict[str, NDArray[Any]]) -> NDArray[np.float64] | None:
        rows = {name: value for name, value in outputs.items() if value.ndim == 3}
        maps = [value for value in outputs.values() if value.ndim == 4]
        if len(rows) == 2:
            # By their names, or else in the order in which all of this family give them.
            first, second = sorted(rows, key=lambda name: name.lower().endswith("y"))
            return decode_simcc(rows[first][0], rows[second][0], self.size_wh)
        return decode_heatmaps(maps[0][0], self.size_wh) if maps else None


@lru_cache(maxsize=2)  # loading takes longer than using
def _loaded(file: str, device: str) -> _Graph:
    return _Graph(Path(file), device)


def decode_simcc(
    rows_x: NDArray[np.floating], rows_y: NDArray[np.floating], size_wh: tuple[int, int]
) -> NDArray[np.float64]:
    """Points from a row of scores for x and one for y.

    Args:
        rows_x: ``(K, n)``, n a multiple of the width.
        rows_y: ``(K, m)``.
        size_wh: Of the input.

    Returns:
        ``(K, 3)``: x and y in pixels of the input, the first pixel's centre being (0.5, 0.5), and
        the smaller of the two scores.
    """
    found = np.empty((len(rows_x), 3))
    for axis, (rows, side) in enumerate(zip((rows_x, rows_y), size_wh, strict=True)):
        found[:, axis] = rows.argmax(axis=1) * (side / rows.shape[1]) + 0.5
    found[:, 2] = np.minimum(rows_x.max(axis=1), rows_y.max(axis=1))
    return found


def decode_heatmaps(maps: NDArray[np.floating], size_wh: tuple[int, int]) -> NDArray[np.float64]:
    """Points from a map of scores for each; between the cells by a parabola through the peak.

    Args:
        maps: ``(K, h, w)``, whose corner cells lie on the corner pixels of the input.
        size_wh: Of the input.

    Returns:
        ``(K, 3)`` as of :func:`decode_simcc`.
    """
    count, height, width = maps.shape
    values = np.asarray(maps, np.float64)
    best = values.reshape(count, -1).argmax(axis=1)
    y, x = np.divmod(best, width)
    index = np.arange(count)
    found = np.empty((count, 3))
    peak = found[:, 2] = values[index, y, x]
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1)), mode="edge")
    for axis, (place, side, cells) in enumerate(((x, size_wh[0], width), (y, size_wh[1], height))):
        down, right = (0, 1) if axis == 0 else (1, 0)
        low = padded[index, y + 1 - down, x + 1 - right]
        high = padded[index, y + 1 + down, x + 1 + right]
        bend = 2 * peak - low - high
        between = np.where(bend > 1e-12, (high - low) / np.maximum(2 * bend, 1e-12), 0.0)
        inner = (place > 0) & (place < cells - 1)
        cell = place + np.clip(np.where(inner, between, 0.0), -0.5, 0.5)
        found[:, axis] = cell * ((side - 1) / max(cells - 1, 1)) + 0.5
    return found
