"""Files and folders, written beside and renamed into place: nobody ever sees half of one."""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cartoonedit.errors import CartooneditError, InvalidInput

__all__ = [
    "PICTURE_SUFFIXES",
    "atomic_folder",
    "atomic_path",
    "check_place",
    "expand_pictures",
    "sha256",
    "write_json",
]

PICTURE_SUFFIXES = frozenset(
    {
        ".png",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".webp",
        ".gif",
        ".bmp",
        ".tif",
        ".tiff",
        ".tga",
        ".avif",
        ".jp2",
        ".ppm",
    }
)
"""Endings that count as pictures when a folder is searched; a file named outright may have any."""


LONGEST_NAME = 255
"""Bytes that the name of a file can have in all usual file systems."""


def check_place(path: str | Path, *, folder: bool = False) -> Path:
    """Find out, before the work, whether a file or a folder can be written.

    Args:
        path: Where to write. Missing parent folders do not matter.
        folder: Whether it is a folder.

    Returns:
        ``path``, or what it links to: that is replaced, not the link.

    Raises:
        InvalidInput: A file is where a folder must be, or a folder where the file shall be; or the
            name is too long.
        CartooneditError: No file can be made there.
    """
    target = Path(path)
    if len(os.fsencode(target.name)) > LONGEST_NAME:
        raise InvalidInput(
            f"cannot write {target}: names of files have {LONGEST_NAME} bytes at most. Give a"
            " shorter name."
        )
    if target.is_symlink():
        target = target.resolve()
    if folder and target.exists() and not target.is_dir():
        raise InvalidInput(
            f"cannot write a folder at {target}: a file of that name is there. Give another name."
        )
    if not folder and target.is_dir():
        raise InvalidInput(
            f"cannot write a file at {target}: it is a folder. Give a file name inside it."
        )
    parent = target.absolute().parent
    while not os.path.lexists(parent):
        parent = parent.parent
    if not parent.is_dir():
        raise InvalidInput(
            f"cannot write {target}: {parent} is a file, not a folder. Choose another place."
        )
    try:
        # Only trying tells: an administrator has every right, and some places still take no file.
        with tempfile.TemporaryFile(dir=parent):
            pass
    except OSError as error:
        raise CartooneditError(
            f"cannot write {target}: the folder {parent} takes no new file ({error.strerror})."
            " Choose another place."
        ) from error
    return target


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``, which takes its place when the block ends well.

    The temporary name keeps the ending, because many writers choose the format by it. Missing
    parent folders are made. After any exception, Ctrl-C included, the partial file is removed and
    what stood at ``path`` before is untouched.

    Raises:
        InvalidInput: ``path`` is a folder, or below a file.
        CartooneditError: The folder may not be written to, or the block wrote no file.
    """
    target = check_place(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = _beside(target)
    try:
        with _naming(target):
            yield partial
            if not partial.exists():
                raise CartooneditError(f"nothing was written for {target}.")
            _flush(partial)
            os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | Path, *, stale: Iterable[str] = ()) -> Iterator[Path]:
    """Give a temporary folder beside ``path``, whose files move there when the block ends well.

    Where ``path`` does not exist yet, that is a single rename. Where it does, each finished file is
    renamed into it and everything else in it stays, because the folder may hold files of the user.
    After any exception the temporary folder is removed and ``path`` is untouched.

    Args:
        path: The folder to write.
        stale: Glob patterns, relative to ``path``, of files from an earlier run; those which the
            block did not write anew are deleted at the end.

    Raises:
        InvalidInput: ``path`` is a file, or below one.
        CartooneditError: The folder may not be written to.
    """
    target = check_place(path, folder=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = _beside(target)
    partial.mkdir()
    try:
        with _naming(target):
            yield partial
            _move_in(partial, target, stale)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _move_in(partial: Path, target: Path, stale: Iterable[str]) -> None:
    written = [file.relative_to(partial) for file in sorted(partial.rglob("*")) if file.is_file()]
    for name in written:
        _flush(partial / name)
    old = {file for pattern in stale for file in target.glob(pattern) if file.is_file()}
    if target.exists():
        for name in written:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(partial / name, target / name)
    else:
        os.replace(partial, target)
    for file in old - {target / name for name in written}:
        file.unlink(missing_ok=True)


@contextmanager
def _naming(target: Path) -> Iterator[None]:
    """Say of a full disk what could not be written to it: the system names no file."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise OSError(error.errno, error.strerror, str(target)) from error


def write_json(path: str | Path, value: Any, *, indent: int | None = None) -> None:
    """Write a JSON file in UTF-8, whole or not at all.

    A lone surrogate, in which Python keeps a byte of a file name that is not UTF-8, is written as
    JSON's escape for it.
    """
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    with atomic_path(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")


def _beside(target: Path) -> Path:
    # At most 160 + 80 bytes of the name, since file systems allow 255 in all.
    stem, suffix = target.stem[:40], target.suffix[:20]
    return target.with_name(f".{stem}.{secrets.token_hex(4)}.part{suffix}")


def _flush(path: Path) -> None:
    """Bring a file to the disk, so that a power cut after the rename cannot leave an empty one."""
    if path.is_file():
        with path.open("rb+") as file:
            os.fsync(file.fileno())


def expand_pictures(
    patterns: Iterable[str | Path],
    *,
    below: bool = False,
    stands_for_one: Callable[[Path], bool] | None = None,
) -> list[Path]:
    """Turn files, folders and globs into a list of files, each once, in the order they were named.

    A folder stands for the pictures directly inside it, by name. A file is taken whatever its
    ending. A pattern that exists as a file is that file, even with ``*`` or ``[`` in its name.

    Args:
        patterns: Files, folders and globs.
        below: A folder stands for the pictures in its sub-folders, too.
        stands_for_one: Tells which folders count as a picture, as that of a saved scene does.
            Patterns match them, and a folder that holds no picture stands for those in it. By
            default none does.

    Raises:
        InvalidInput: A pattern matches nothing.
    """
    is_one = stands_for_one or (lambda folder: False)
    found: dict[Path, None] = {}
    for pattern in patterns:
        path = Path(pattern).expanduser()
        if path.is_dir():
            matches = [path] if is_one(path) else _pictures_in(path, below)
            matches = matches or sorted(filter(is_one, path.iterdir()))
            missing = f"the folder {path} holds no picture ({', '.join(sorted(PICTURE_SUFFIXES))})"
        elif path.exists():
            matches, missing = [path], ""
        else:
            named = [Path(name) for name in sorted(glob.glob(str(path), recursive=True))]
            folders = set(filter(is_one, named))
            matches = [one for one in named if one in folders or one.is_file()]
            if folders:  # beside them lie lists of what they hold
                matches = [match for match in matches if match.suffix.lower() != ".json"]
            kind = "no file matches" if glob.has_magic(str(path)) else "there is no file"
            missing = f"{kind} {str(path)!r}"
        if not matches:
            raise InvalidInput(
                f"{missing}. Give picture files, folders of pictures, or patterns such as"
                " 'art/*.png'."
            )
        found.update(dict.fromkeys(matches))
    if not found:
        raise InvalidInput(
            "no picture was given. Give picture files, folders of pictures, or patterns."
        )
    return list(found)


def _pictures_in(folder: Path, below: bool) -> list[Path]:
    entries = folder.rglob("*") if below else folder.iterdir()
    files = (file for file in entries if file.suffix.lower() in PICTURE_SUFFIXES)
    return sorted(file for file in files if file.is_file() and not file.name.startswith("."))


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
