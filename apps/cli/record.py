"""``run.json``: what was run, on what and with what, so that it can be run again."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import typer

import cartoonedit
from cartoonedit.errors import InvalidInput
from cartoonedit.files import sha256, write_json

__all__ = [
    "changes_since",
    "command_line",
    "read_record",
    "record_path",
    "recorded_models",
    "write_record",
]

FORMAT = 1
NOT_RECORDED = {"as_json", "overwrite"}
"""Options about showing results and guarding old ones; they do not change what is made."""

_LIBRARIES = (
    "torch", "numpy", "opencv-python-headless", "pillow", "pypatchmatch",
    "diffusers", "transformers", "controlnet-aux", "onnxruntime", "timm",
)  # fmt: skip


def record_path(result: Path) -> Path:
    """``run.json`` in a result that is a folder, ``NAME.run.json`` beside one that is a file."""
    return result / "run.json" if result.is_dir() else result.with_name(f"{result.name}.run.json")


def write_record(
    ctx: typer.Context,
    result: Path,
    *,
    inputs: Iterable[Path],
    models: Mapping[str, Path],
    **actual: Any,
) -> Path:
    """Write the record of a command beside its result.

    Args:
        ctx: The context of the command; its parameters, defaults included, are recorded, so that a
            version with other defaults repeats the run as well.
        result: The file or folder that the command made.
        inputs: The files that it read.
        models: Name to file of the weights that it used.
        actual: Values to record in place of parameters, such as the files that a pattern matched.

    Returns:
        The path of the record.
    """
    arguments = {
        name: _plain(value)
        for name, value in (ctx.params | actual).items()
        if value is not None and name not in NOT_RECORDED
    }
    record = {
        "format": FORMAT,
        "cartoonedit": cartoonedit.__version__,
        "command": ctx.info_name,
        "arguments": arguments,
        "inputs": [_file(path) for path in inputs],
        "models": [{"name": name, **_file(path)} for name, path in models.items()],
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.platform(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
    }
    path = record_path(result)
    write_json(path, record, indent=2)
    return path


def read_record(path: Path) -> dict[str, Any]:
    """Read a record.

    Raises:
        InvalidInput: It is none.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        files = [entry["file"] for entry in [*record["inputs"], *record["models"]]]
        texts = [record["command"], *files, *(entry["name"] for entry in record["models"])]
        complete = (
            record["format"] == FORMAT
            and all(isinstance(text, str) for text in texts)
            and isinstance(record["arguments"], dict)
            and record["command"] != "rerun"  # which is not recorded, and could name itself
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        complete = False
    if not complete:
        raise InvalidInput(
            f"{path} is no record of a run. Give a run.json that was written beside a result."
        )
    return record


def recorded_models(result: Path) -> dict[str, Path]:
    """The models that an earlier run on ``result`` used, for a run that keeps what they made."""
    try:
        record = read_record(record_path(result))
        return {entry["name"]: Path(entry["file"]) for entry in record["models"]}
    except (InvalidInput, OSError):
        return {}


def command_line(command: Any, arguments: Mapping[str, Any]) -> list[str]:
    """Spell recorded arguments as the words that ``command`` parses to them."""
    options: list[str] = []
    words: list[str] = []
    for parameter in command.params:
        value = arguments.get(parameter.name)
        if value is None:
            continue
        values = [str(each) for each in (value if isinstance(value, list) else [value])]
        if parameter.param_type_name == "argument":
            words += values
        elif isinstance(value, bool):
            options += (parameter.opts if value else parameter.secondary_opts)[:1]
        else:
            options += [word for each in values for word in (parameter.opts[0], each)]
    return [*options, "--", *words]


def changes_since(record: Mapping[str, Any]) -> list[str]:
    """Say what is not as it was when the record was made, one sentence each."""
    changes = []
    if record.get("cartoonedit") != cartoonedit.__version__:
        made_by = record.get("cartoonedit")
        changes.append(f"it was made by cartoonedit {made_by}, this is {cartoonedit.__version__}")
    for entry in [*record["inputs"], *record["models"]]:
        path = Path(entry["file"])
        if not path.exists():
            changes.append(f"{path} is gone")
        elif entry.get("sha256") and _digest(path) != entry["sha256"]:
            changes.append(f"{path} has changed")
    return changes


def _file(path: Path) -> dict[str, str]:
    entry = {"file": str(path.absolute())}
    return entry | {"sha256": _digest(path)} if path.exists() else entry


def _digest(path: Path) -> str:
    """The SHA-256 of a file; for a folder, of the names and digests of its models' files."""
    if path.is_dir():
        files = sorted(file for end in ("json", "safetensors") for file in path.rglob(f"*.{end}"))
        listed = [f"{file.relative_to(path).as_posix()} {_digest(file)}\n" for file in files]
        return hashlib.sha256("".join(listed).encode()).hexdigest()
    state = path.stat()
    return _known_digest(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=4096)
def _known_digest(path: Path, size: int, changed: int) -> str:
    """Models are large, and a batch records the same ones with every picture."""
    return sha256(path)


def _plain(value: Any) -> Any:
    """A value as JSON that turns into the same words on a command line."""
    if isinstance(value, Path) or (isinstance(value, str) and _is_path(value)):
        return str(Path(value).absolute())
    if type(value) in (list, tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, (bool, int, float, str)) else str(value)


def _is_path(text: str) -> bool:
    """Whether an option that takes a name or a file was given a file."""
    path = Path(text)
    return (len(path.parts) > 1 or bool(path.suffix)) and path.exists()


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
