from __future__ import annotations

import io
import json
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

SIZES = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
TYPES = {5126: "<f4", 5125: "<u4"}


@dataclass
class Glb:
    """A .glb file, read anew by the words of its specification, and a pinhole camera for it."""

    document: dict[str, Any]
    buffer: bytes
    _images: dict[int, np.ndarray] = field(default_factory=dict)

    def view(self, index: int) -> bytes:
        view = self.document["bufferViews"][index]
        return self.buffer[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]

    def accessor(self, index: int) -> np.ndarray:
        accessor = self.document["accessors"][index]
        values = np.frombuffer(self.view(accessor["bufferView"]), TYPES[accessor["componentType"]])
        return values.reshape(accessor["count"], SIZES[accessor["type"]])

    def image(self, material: int) -> np.ndarray:
        if material not in self._images:
            colour = self.document["materials"][material]["pbrMetallicRoughness"]
            texture = self.document["textures"][colour["baseColorTexture"]["index"]]
            content = self.view(self.document["images"][texture["source"]]["bufferView"])
            self._images[material] = np.array(Image.open(io.BytesIO(content)).convert("RGBA"))
        return self._images[material]

    def node(self, name: str) -> dict[str, Any]:
        (node,) = [node for node in self.document["nodes"] if node["name"] == name]
        return node

    def points(self, node: dict[str, Any]) -> np.ndarray:
        """The vertices of a node in the space of the scene."""
        (primitive,) = self.document["meshes"][node["mesh"]]["primitives"]
        points = self.accessor(primitive["attributes"]["POSITION"]).astype(float)
        return points * node.get("scale", [1, 1, 1]) + node.get("translation", [0, 0, 0])

    def tracks(self) -> dict[str, np.ndarray]:
        """What is animated, by its path; for a pointer by what that points to."""
        (animation,) = self.document["animations"]
        found = {}
        for channel in animation["channels"]:
            target = channel["target"]
            extensions = target.get("extensions", {})
            path = extensions.get("KHR_animation_pointer", {}).get("pointer", target["path"])
            found[path] = self.accessor(animation["samplers"][channel["sampler"]]["output"])
        return found

    def project(self, points: np.ndarray, at: Any, yfov: float) -> np.ndarray:
        """Where points appear from a place, in picture widths from the middle, x right, y down."""
        aspect = self.document["cameras"][0]["perspective"]["aspectRatio"]
        x, y, z = (points - np.asarray(at)).T
        focal = 1 / (2 * np.tan(yfov / 2) * aspect)  # in widths of the frame
        return np.stack([focal * x / -z, -focal * y / -z], axis=1)

    def render(self, size_wh: tuple[int, int], at: Any = (0, 0, 0)) -> np.ndarray:
        """What a 3D program shows: z-buffer, alpha test, then blended meshes back to front."""
        width, height = size_wh
        frame = np.zeros((height, width, 3))
        depth = np.full((height, width), np.inf)
        yfov = self.document["cameras"][0]["perspective"]["yfov"]
        solid, blended = [], []
        for node in self.document["nodes"]:
            if "mesh" in node:
                (primitive,) = self.document["meshes"][node["mesh"]]["primitives"]
                mode = self.document["materials"][primitive["material"]]["alphaMode"]
                (blended if mode == "BLEND" else solid).append((node, primitive))
        blended.sort(key=lambda item: self.points(item[0])[:, 2].mean())
        for node, primitive in solid + blended:
            points = self.points(node)
            near = points[:, 2] * -1 + at[2]
            seen = self.project(points, at, yfov) * width + [width / 2, height / 2]
            uv = self.accessor(primitive["attributes"]["TEXCOORD_0"]).astype(float)
            triangles = self.accessor(primitive["indices"]).reshape(-1, 3)
            layer_depth, place = _rasterise(seen, near, uv, triangles, size_wh)
            image = self.image(primitive["material"])
            x, y = (place * image.shape[1::-1] - 0.5).astype(np.float32).transpose(2, 0, 1)
            colour = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            alpha = colour[..., 3] / 255
            visible = layer_depth < depth
            if (node, primitive) in solid:
                visible &= alpha >= 0.5
                alpha = np.ones_like(alpha)
                depth[visible] = layer_depth[visible]
            a = (alpha * visible)[..., None]
            frame = a * colour[..., :3] + (1 - a) * frame
        return frame


def _rasterise(
    seen: np.ndarray,
    near: np.ndarray,
    uv: np.ndarray,
    triangles: np.ndarray,
    size_wh: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Distance of the nearest triangle at each pixel, and its place in the texture."""
    width, height = size_wh
    depth = np.full((height, width), np.inf)
    place = np.zeros((height, width, 2))
    for triangle in triangles:
        (x0, y0), (x1, y1), (x2, y2) = seen[triangle]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        left, right = max(0, int(min(x0, x1, x2))), min(width, int(max(x0, x1, x2)) + 1)
        top, bottom = max(0, int(min(y0, y1, y2))), min(height, int(max(y0, y1, y2)) + 1)
        if left >= right or top >= bottom or area == 0:
            continue
        y, x = np.mgrid[top:bottom, left:right] + 0.5
        b = ((x - x0) * (y2 - y0) - (x2 - x0) * (y - y0)) / area
        c = ((x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)) / area
        a = 1 - b - c
        q = (a / near[triangle[0]], b / near[triangle[1]], c / near[triangle[2]])
        distance = 1 / sum(q)
        box = np.s_[top:bottom, left:right]
        inside = (np.minimum(np.minimum(a, b), c) >= -1e-9) & (distance < depth[box])
        where = sum(share[..., None] * uv[i] for share, i in zip(q, triangle, strict=True))
        depth[box][inside] = distance[inside]
        place[box][inside] = (where * distance[..., None])[inside]
    return depth, place


@pytest.fixture
def read_glb():
    """Reads a .glb and checks its header and the lengths of its chunks."""

    def read(path: Path) -> Glb:
        content = path.read_bytes()
        magic, version, length = struct.unpack_from("<4sII", content)
        assert (magic, version, length) == (b"glTF", 2, len(content))
        chunks, place = [], 12
        while place < length:
            size, kind = struct.unpack_from("<I4s", content, place)
            assert size % 4 == 0 and place + 8 + size <= length
            chunks.append((kind, content[place + 8 : place + 8 + size]))
            place += 8 + size
        assert place == length
        (first, text), (second, buffer) = chunks
        assert (first, second) == (b"JSON", b"BIN\0")
        return Glb(json.loads(text), buffer)

    return read
