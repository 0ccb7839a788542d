"""What ``cartoonedit style`` reads and writes: pictures, clips, and what goes with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apps.cli.batch import Failure, find_pictures
from apps.cli.places import distinct, is_scene
from apps.cli.record import read_record, record_path
from apps.cli.results import check_clip, check_result
from cartoonedit.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from apps.style import Styled
    from apps.style.jobs import OnPreview

__all__ = [
    "ClipOptions",
    "StyleFiles",
    "find_sources",
    "is_clip",
    "made_before",
    "place_results",
]


@dataclass
class StyleFiles:
    """What else is read and written.

    Attributes:
        recipe: A YAML file with these options by their names, and under parts what is different for
            single characters or the background. Options given here win.
        segmenter: What finds the characters; see --model of `cartoonedit segment`.
        sheet: Also write the picture before and after. Of one picture only.
        strips: Also write each part before and after, with its lines and words. Likewise.
        layers: Also write the parts, before and after, as layers: .psd or .ora. Likewise.
        preview: A small picture that is written anew after each step, to watch. It is removed when
            the run ends.
        save_scene: New folder for the masks, tags and background as files: mend them, and give the
            folder in place of the picture. Of several pictures each has a folder in it.
    """

    recipe: Annotated[Path | None, typer.Option(exists=True, dir_okay=False)] = None
    segmenter: str = "embedded"
    sheet: Annotated[Path | None, typer.Option(dir_okay=False)] = None
    strips: Annotated[Path | None, typer.Option(dir_okay=False)] = None
    layers: Annotated[Path | None, typer.Option(dir_okay=False)] = None
    preview: Annotated[Path | None, typer.Option(dir_okay=False)] = None
    save_scene: Annotated[Path | None, typer.Option(file_okay=False)] = None

    @property
    def of_one(self) -> dict[str, Path | None]:
        """What is written of a single picture only, by its option."""
        return {"--sheet": self.sheet, "--strips": self.strips, "--layers": self.layers}

    def check(self, files: list[Path], clips: list[Path]) -> None:
        """Refuse what cannot be written of these files, of which some are clips.

        Raises:
            typer.BadParameter: Something cannot.
        """
        from apps.style.layers import FORMATS

        for option, path in (self.of_one | {"--preview": self.preview}).items():
            if path is None:
                continue
            if option != "--preview" and (len(files) > 1 or clips):
                got = f"{len(files)}" if len(files) > 1 else "a clip"
                raise typer.BadParameter(f"{option} is for one picture; got {got}.")
            if option == "--layers":
                if path.suffix.lower() not in FORMATS:
                    known = ", ".join(FORMATS)
                    raise typer.BadParameter(f"--layers must end in one of {known}; got {path}.")
            else:
                _check_picture(option, path)
            check_result(option, path, folder=False)
        if self.save_scene and clips:
            raise typer.BadParameter(f"--save-scene is for pictures; {clips[0]} is a clip.")

    def write(self, styled: Styled) -> None:
        """Write what was asked for of one picture."""
        from apps.style.layers import write_layers
        from apps.style.sheets import before_after, strips
        from cartoonedit.images import save_image

        if self.sheet:
            save_image(self.sheet, before_after(styled))
        if self.strips:
            save_image(self.strips, strips(styled))
        if self.layers:
            write_layers(styled, self.layers)

    @contextmanager
    def watching(self) -> Iterator[OnPreview | None]:
        """Give what writes the preview after each step. When the block ends, it is removed."""
        if self.preview is None:
            yield None
            return
        from cartoonedit.images import resize, save_image

        path, written = self.preview, False

        def show(parts: str, seen: NDArray[np.uint8]) -> None:
            nonlocal written
            # A latent cell stands for eight pixels; half of that is enough to watch.
            save_image(path, resize(seen, (4 * seen.shape[1], 4 * seen.shape[0])))
            written = True

        try:
            yield show
        finally:
            if written:  # else it is something older
                path.unlink(missing_ok=True)


@dataclass
class ClipOptions:
    """How clips and folders of frames are translated.

    Attributes:
        flow: For clips: how much of the last frame's result is moved along with the picture and
            mixed into the next, 0 to 1. Every frame is translated by itself, so detail flickers;
            about 0.5 calms it, much more drags and blurs.
        fps: Frames per second of a clip that is made of a folder of frames.
    """

    flow: float = 0.0
    fps: float | None = None

    def __post_init__(self) -> None:
        from apps.style.frames import check_flow

        check_flow(self.flow)
        if self.fps is not None and not 0.01 <= self.fps <= 1000:
            raise InvalidInput(f"fps must be a number from 0.01 to 1000; got {self.fps:g}.")


def find_sources(
    words: list[str], out: Path, clip: ClipOptions
) -> tuple[list[Path], list[Failure]]:
    """What shall be translated; see :func:`apps.cli.batch.find_pictures`.

    A folder is a clip if the result is one, or an option of clips is given; else its pictures have
    nothing to do with each other.
    """
    from cartoonedit.video import FORMATS

    wanted = clip.flow > 0 or clip.fps is not None or out.suffix.lower() in FORMATS
    folder = Path(words[0]).expanduser()
    if wanted and len(words) == 1 and folder.is_dir() and not is_scene(folder):
        return [folder], []
    return find_pictures(words)


def is_clip(file: Path, ending: str | None) -> bool:
    """Whether a file has frames that shall become those of a clip.

    Args:
        file: A clip, a picture, a saved scene, or a folder of frames.
        ending: Of the result; None if it is not said. Of an animation that becomes a picture, the
            first frame is meant.
    """
    from cartoonedit.video import FORMATS
    from cartoonedit.video_reader import CLIP_SUFFIXES, is_animated

    if file.is_dir():
        return not is_scene(file)
    if file.suffix.lower() in CLIP_SUFFIXES:
        return True
    return (ending is None or ending in FORMATS) and is_animated(file)


def place_results(
    words: list[str], files: list[Path], count: int, out: Path, clip: ClipOptions
) -> tuple[dict[Path, Path], list[Path]]:
    """Where the new version of each file goes.

    Args:
        words: What was asked for.
        files: What was found.
        count: How many there are with those that were not found.
        out: A file; a folder for the results of several files, or of those in a folder or pattern,
            however many it holds.
        clip: How clips are translated.

    Returns:
        File to result, and which of the files are clips.

    Raises:
        typer.BadParameter: There can be no such result.
    """
    if count > 1 and out.suffix:
        raise typer.BadParameter(
            f"{count} pictures make {count} pictures: give --out a folder, not {out}."
        )
    several = count > 1 or (not out.suffix and files != [Path(words[0]).expanduser()])
    ending = None if several else out.suffix.lower()
    clips = [file for file in files if is_clip(file, ending)]
    results = {files[0]: out}
    if several:
        bare = distinct(files, out.joinpath, lambda file, path: True)
        results = {
            file: path.with_name(path.name + _ending(file, file in clips))
            for file, path in bare.items()
        }
    for file, result in results.items():
        if file in clips:
            check_clip("--out", result, clip.fps or 24)
        else:
            _check_picture("--out", result)
            check_result("--out", result, folder=False)
    if not clips and (clip.flow or clip.fps):
        raise typer.BadParameter("--flow and --fps are for clips and folders of frames.")
    return results, clips


def made_before(results: dict[Path, Path], out: Path) -> set[Path]:
    """Files whose result an earlier run has put into the folder ``out``, with its record."""
    return {file for file, result in results.items() if result != out and _is_made(file, result)}


def _is_made(file: Path, result: Path) -> bool:
    try:
        record = read_record(record_path(result))
    except (InvalidInput, OSError):
        return False
    # Another picture of that name may have been translated into the same folder.
    return result.exists() and record["arguments"].get("pictures") == [str(file.absolute())]


def _ending(file: Path, clip: bool) -> str:
    if not clip:
        return ".png"
    suffix = file.suffix.lower()
    return suffix if suffix in (".gif", ".apng", ".webp") else ".mp4"


def _check_picture(option: str, path: Path) -> None:
    from cartoonedit.images import WRITABLE_SUFFIXES

    if path.suffix.lower() not in WRITABLE_SUFFIXES:
        known = ", ".join(sorted(WRITABLE_SUFFIXES))
        raise typer.BadParameter(
            f"{option} must name a picture, such as styled.png ({known}); got {str(path)!r}."
        )
