"""The container: glTF 2.0 documents put together piece by piece, and written as one file.

Follows https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html. What is written is a small,
fixed part of it, for which ``json`` and ``struct`` are enough.
"""

from __future__ import annotations

import base64
import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cartoonedit.errors import InvalidInput
from cartoonedit.files import atomic_path

__all__ = ["GltfFile"]

_FLOAT, _UINT32 = 5126, 5125
_SHAPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}
_LINEAR, _LINEAR_MIPMAP_LINEAR, _CLAMP_TO_EDGE = 9729, 9987, 33071
_ARRAY_BUFFER, _ELEMENT_ARRAY_BUFFER = 34962, 34963
_MAX_BYTES = 2**32 - 1
"""The length of a .glb is a 32-bit number."""


class GltfFile:
    """A document that grows by :meth:`add` and its companions, each of which returns an index."""

    def __init__(self) -> None:
        self._document: dict[str, Any] = {"asset": {"version": "2.0", "generator": "cartoonedit"}}
        self._buffer = bytearray()
        self._extensions: set[str] = set()

    def add(self, kind: str, **fields: Any) -> int:
        """Add an object to a list of the document: ``nodes``, ``meshes``, ``cameras``, ..."""
        objects: list[dict[str, Any]] = self._document.setdefault(kind, [])
        objects.append(fields)
        return len(objects) - 1

    def use(self, extension: str) -> None:
        """Say that the document uses an extension, which no reader needs to know."""
        self._extensions.add(extension)

    def numbers(self, values: NDArray[np.float32]) -> int:
        """Add an accessor of numbers or vectors, ``float32`` ``(N,)`` or ``(N, 2..4)``."""
        return self._accessor(np.asarray(values, "<f4"), _FLOAT)

    def vertices(self, values: NDArray[np.float32]) -> int:
        """Add an accessor of vectors, one for each vertex."""
        return self._accessor(np.asarray(values, "<f4"), _FLOAT, target=_ARRAY_BUFFER)

    def indices(self, values: NDArray[np.uint32]) -> int:
        """Add an accessor of vertex numbers."""
        numbers = np.asarray(values, "<u4").reshape(-1)
        return self._accessor(numbers, _UINT32, target=_ELEMENT_ARRAY_BUFFER)

    def material(self, name: str, pixels: NDArray[np.uint8], alpha_mode: str) -> int:
        """Add a material that shows a picture as it is, from both sides, whatever the light.

        Args:
            name: Its name.
            pixels: RGB, or RGBA not premultiplied, ``uint8``.
            alpha_mode: ``OPAQUE``, ``MASK`` or ``BLEND``.
        """
        buffer = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "png", compress_level=4)
        image = self.add(
            "images",
            name=name,
            mimeType="image/png",
            bufferView=self._view(buffer.getvalue()),
        )
        if "samplers" not in self._document:
            self.add(
                "samplers",
                magFilter=_LINEAR,
                minFilter=_LINEAR_MIPMAP_LINEAR,
                wrapS=_CLAMP_TO_EDGE,
                wrapT=_CLAMP_TO_EDGE,
            )
        texture = self.add("textures", source=image, sampler=0)
        self.use("KHR_materials_unlit")
        return self.add(
            "materials",
            name=name,
            pbrMetallicRoughness={
                "baseColorTexture": {"index": texture},
                "metallicFactor": 0.0,
                "roughnessFactor": 1.0,
            },
            alphaMode=alpha_mode,
            doubleSided=True,
            extensions={"KHR_materials_unlit": {}},
        )

    def save(self, path: Path) -> Path:
        """Write ``.glb``, one binary file, or ``.gltf``, one text file that holds the data, too.

        Raises:
            InvalidInput: The data exceed the 4 GiB of the format.
        """
        if len(self._buffer) > _MAX_BYTES // 2:  # half, since base64 and JSON come on top
            raise InvalidInput(
                f"the textures and meshes take {len(self._buffer):,} bytes, more than glTF can"
                " hold. Reduce the picture."
            )
        binary = path.suffix.lower() == ".glb"
        buffer: dict[str, Any] = {"byteLength": len(self._buffer)}
        if not binary:
            text = base64.b64encode(self._buffer).decode("ascii")
            buffer["uri"] = f"data:application/octet-stream;base64,{text}"
        document = {**self._document, "buffers": [buffer]}
        if self._extensions:
            document["extensionsUsed"] = sorted(self._extensions)
        json_text = json.dumps(
            document, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        ).encode()
        with atomic_path(path) as partial:
            partial.write_bytes(_packed(json_text, bytes(self._buffer)) if binary else json_text)
        return path

    def _view(self, content: bytes, target: int | None = None) -> int:
        start = len(self._buffer)
        self._buffer += content
        self._buffer += b"\0" * (-len(self._buffer) % 4)  # views begin at multiples of four
        fields = {} if target is None else {"target": target}
        return self.add(
            "bufferViews", buffer=0, byteOffset=start, byteLength=len(content), **fields
        )

    def _accessor(self, values: NDArray[Any], component: int, target: int | None = None) -> int:
        columns = values.reshape(len(values), -1)
        return self.add(
            "accessors",
            bufferView=self._view(values.tobytes(), target),
            componentType=component,
            count=len(values),
            type=_SHAPES[columns.shape[1]],
            min=columns.min(axis=0).tolist(),
            max=columns.max(axis=0).tolist(),
        )


def _packed(json_text: bytes, binary: bytes) -> bytes:
    """The two chunks of a .glb; the first is padded with spaces, the second with zeros."""
    json_text += b" " * (-len(json_text) % 4)
    chunks = b"".join(
        struct.pack("<I4s", len(content), kind) + content
        for content, kind in ((json_text, b"JSON"), (binary, b"BIN\0"))
    )
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks
