"""Torch's zip format, read without torch's unpickler: what the pickle inside says is only data."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cartoonedit.errors import InvalidInput
from segmentation.pickle_data import Made, Named, Persistent, read_pickle

__all__ = ["TorchZip"]

_DTYPES = {
    "torch.FloatStorage": torch.float32,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
    "torch.DoubleStorage": torch.float64,
    "torch.LongStorage": torch.int64,
    "torch.IntStorage": torch.int32,
    "torch.ShortStorage": torch.int16,
    "torch.CharStorage": torch.int8,
    "torch.ByteStorage": torch.uint8,
}
# A zip's own headers; what torch stores is not compressed, so more than this is not torch's.
_ZIP_SLACK = 1 << 20


class TorchZip:
    """A file in torch's zip format.

    Attributes:
        content: What its pickle holds, as data (see `pickle_data`).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
            self._check_sizes()
            pickles = [n for n in self._zip.namelist() if n.endswith("/data.pkl")]
            if len(pickles) != 1:
                raise InvalidInput(f"{str(path)!r} is a zip file, but not one that torch wrote.")
            self._folder = pickles[0].removesuffix("data.pkl")
            self._check_byte_order()
            self.content = read_pickle(self._record("data.pkl"))
        except zipfile.BadZipFile as error:
            raise InvalidInput(f"{str(path)!r} is damaged or cut off: {error}.") from error
        self._storages: dict[str, bytearray] = {}

    def __enter__(self) -> TorchZip:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def _check_sizes(self) -> None:
        """Refuse archives that unpack to more than they are: torch never compresses."""
        entries = self._zip.infolist()
        total = sum(entry.file_size for entry in entries)
        if (
            any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
            or total > self.path.stat().st_size + _ZIP_SLACK
        ):
            raise InvalidInput(
                f"{str(self.path)!r} is a compressed zip file, which torch does not write."
            )

    def _check_byte_order(self) -> None:
        name = f"{self._folder}byteorder"
        if name in self._zip.namelist() and self._zip.read(name) != b"little":
            raise InvalidInput(f"{str(self.path)!r} was written on a big-endian machine.")

    def _record(self, name: str) -> bytes:
        try:
            return self._zip.read(self._folder + name)
        except (KeyError, zipfile.BadZipFile, EOFError) as error:
            raise InvalidInput(
                f"{str(self.path)!r} is damaged: {name!r} is missing or broken."
            ) from error

    def tensor(self, name: str, value: Any) -> Tensor:
        """The tensor that `value` describes."""
        try:
            return self._build(value)
        except (ValueError, TypeError, IndexError, KeyError, RuntimeError, OverflowError) as error:
            if isinstance(error, InvalidInput):
                raise
            raise InvalidInput(f"{name!r} in {str(self.path)!r} is no tensor: {error}.") from error

    def _build(self, value: Any) -> Tensor:
        if not isinstance(value, Made) or not isinstance(value.maker, Named):
            raise TypeError("it is a plain value")
        if value.maker.path == "torch._utils._rebuild_parameter":
            return self._build(value.args[0])
        if value.maker.path != "torch._utils._rebuild_tensor_v2":
            raise TypeError(f"it asks for {value.maker.path}")
        storage, offset, shape, stride, *_ = value.args
        if not isinstance(storage, Persistent):
            raise TypeError("its numbers are not in the file")
        _, kind, key, *_ = storage.identity
        numbers = torch.frombuffer(self._storage(key), dtype=_DTYPES[kind.path])
        # as_strided refuses what would reach outside of the numbers. The clone makes a stride of
        # zero take the memory it claims, so that has to be within bounds as well.
        if math.prod(shape) > numbers.numel():
            raise ValueError("it is larger than what is stored for it")
        return numbers.as_strided(shape, stride, offset).clone()

    def _storage(self, key: str) -> bytearray:
        if key not in self._storages:
            self._storages[key] = bytearray(self._record(f"data/{key}"))
        return self._storages[key]
