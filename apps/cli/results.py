"""What commands that make something of pictures and saved scenes have in common."""

from __future__ import annotations

from collections.abc import Container, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from apps.cli.places import distinct, is_scene, scene_folders
from apps.cli.record import read_record, record_path
from cartoonedit.errors import CartooneditError, InvalidInput
from cartoonedit.files import PICTURE_SUFFIXES

if TYPE_CHECKING:
    from cartoonedit.runtime import Progress
    from cartoonedit.scene import Scene
    from segmentation.segmenter import Segmenter

__all__ = [
    "check_clip",
    "check_new",
    "check_result",
    "clip_places",
    "input_files",
    "keep_apart",
    "new_scenes",
    "open_scene",
]

_MAKE_CLIPS = ("kenburns", "style", "puppet")


def check_result(option: str, path: Path, *, folder: bool) -> None:
    """Refuse a place for a result that cannot be written, before any work.

    Raises:
        typer.BadParameter: It cannot; ``option`` is named.
    """
    from cartoonedit.files import check_place

    try:
        check_place(path, folder=folder)
    except CartooneditError as error:
        raise typer.BadParameter(f"{option}: {error}") from error


def check_clip(option: str, path: Path, fps: float = 24, *, alpha: bool = False) -> None:
    """Refuse a clip that cannot be written, or the folder of its frames, before any work.

    Frames take the place of those of an earlier run. In a folder that no run has made they would
    take the place of pictures of the user.

    Raises:
        typer.BadParameter: It cannot be written, or such a folder is there; ``option`` is named.
    """
    from cartoonedit.video import VideoWriter

    if path.name in ("", ".."):
        raise typer.BadParameter(
            f"{option} must name a clip, or a new folder for its frames; got {str(path)!r}."
        )
    try:
        VideoWriter(path, (2, 2), fps, alpha=alpha)
    except InvalidInput as error:
        raise typer.BadParameter(f"{option}: {error}") from error
    check_result(option, path, folder=not path.suffix)
    check_result(option, record_path(path), folder=False)
    if path.suffix or not path.is_dir() or _is_empty(path) or _holds_clip(path):
        return
    raise typer.BadParameter(
        f"{option}: the folder {path} holds files already, and no run.json of a clip says that"
        " they may be replaced. Frames need a folder of their own: name a new or empty one."
    )


def clip_places(
    files: list[Path], count: int, out: Path, fps: float, *, alpha: bool = False
) -> dict[Path, Path]:
    """Choose where the clip of each picture goes, and refuse what cannot be written.

    Args:
        files: The pictures.
        count: How many were asked for.
        out: The clip; of several, a folder for them.
        fps: Frames a second.
        alpha: Whether the clips are transparent.

    Raises:
        typer.BadParameter: There can be no such clip.
    """
    clips = {files[0]: out}
    if count > 1:
        if out.suffix:
            raise typer.BadParameter(
                f"{count} pictures make {count} clips: give --out a folder, not {out}."
            )
        ending = ".webm" if alpha else ".mp4"
        clips = distinct(files, lambda name: out / f"{name}{ending}", lambda file, path: True)
    for clip in clips.values():
        check_clip("--out", clip, fps, alpha=alpha)
    return clips


def _is_empty(folder: Path) -> bool:
    return all(entry.name.startswith(".") for entry in folder.iterdir())


def _holds_clip(folder: Path) -> bool:
    """Whether a folder holds the frames that an earlier run made."""
    try:
        return read_record(record_path(folder))["command"] in _MAKE_CLIPS
    except (InvalidInput, OSError):
        return False


def check_new(option: str, folder: Path) -> None:
    """Refuse a folder that cannot be written, or in which something is that is not ours to replace.

    Raises:
        typer.BadParameter: It is such a folder; ``option`` is named.
    """
    check_result(option, folder, folder=True)
    if folder.is_dir() and not _is_empty(folder):
        raise typer.BadParameter(
            f"{option}: the folder {str(folder)!r} holds files already, and they could be replaced."
            " Name a new or empty one."
        )


def new_scenes(files: list[Path], out: Path | None, kept: Container[Path] = ()) -> dict[Path, Path]:
    """The folder for the scene of each picture; none is one with a scene in it already.

    Args:
        files: The pictures.
        out: A folder for the scene; of several, for their folders.
        kept: Pictures whose scene is not made anew, and may be there.

    Raises:
        typer.BadParameter: There is a scene already, in which a person may have mended something,
            or another file that could be replaced.
    """
    if out is None:
        return {}
    folders = scene_folders(files, out) if len(files) > 1 else {files[0]: out}
    for file, folder in folders.items():
        if file in kept:
            continue
        if not is_scene(folder):
            check_new("--save-scene", folder)
            continue
        if not (file.exists() and folder.exists() and file.samefile(folder)):
            raise typer.BadParameter(
                f"--save-scene: {folder} holds a scene already. Give it in place of {file}, to"
                " render it as it is, or name another folder."
            )
        check_result("--save-scene", folder, folder=True)
    return folders


def keep_apart(read: Iterable[Path | None], made: Iterable[Path | None]) -> None:
    """Refuse to write over what is read, or one result over another.

    Args:
        read: Files, saved scenes and folders of frames.
        made: Results.

    Raises:
        typer.BadParameter: Two are the same.
    """
    given = [path.expanduser() for path in read if path]
    taken = {file.resolve() for path in given for file in (path, *input_files(path))}
    for path in filter(None, made):
        if path.resolve() in taken:
            raise typer.BadParameter(
                f"{path} would be written over what this run reads or writes. Give another place."
            )
        taken.add(path.resolve())


def open_scene(file: Path, segmenter: Segmenter | None, progress: Progress) -> Scene:
    """Open a saved scene, or segment a picture."""
    if segmenter is None or is_scene(file):
        from cartoonedit.scene import Scene

        return Scene.open(file)
    return segmenter(file, progress=progress)


def input_files(file: Path) -> list[Path]:
    """The files that a picture, a saved scene or a folder of frames consists of."""
    from cartoonedit.scene_folder import files_of

    if is_scene(file):
        return files_of(file)
    if file.is_dir():
        return sorted(each for each in file.iterdir() if each.suffix.lower() in PICTURE_SUFFIXES)
    return [file]
