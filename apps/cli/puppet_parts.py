"""Where puppets are from, for `cartoonedit puppet` and `cartoonedit puppet joints`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from apps.cli.batch import Failure, find_pictures
from apps.cli.places import is_scene
from apps.cli.results import check_result, input_files, open_scene
from cartoonedit.errors import InvalidInput

if TYPE_CHECKING:
    from apps.puppet.classic.character import Drawing
    from apps.puppet.options import PuppetOptions
    from cartoonedit.runtime import Progress
    from cartoonedit.scene import Scene
    from segmentation.segmenter import Segmenter

__all__ = [
    "DrawingOptions",
    "check_beside",
    "drawing_of",
    "files_read",
    "find_puppets",
    "is_classic",
    "is_drawing",
    "needs_segmenter",
    "open_puppets",
]

CHARACTER_FILE = "char_cfg.yaml"


@dataclass
class DrawingOptions:
    """What kind of picture it is.

    Attributes:
        paper: The picture is a drawing on paper: characters are found by their ink, without a
            network, and the paper is left out.
    """

    paper: bool = False


def is_drawing(path: Path) -> bool:
    """Whether a path is a character folder of Animated Drawings."""
    return (path / CHARACTER_FILE).is_file()


def find_puppets(words: list[str]) -> tuple[list[Path], list[Failure]]:
    """Expand the words of a command line; character folders of Animated Drawings stand for one.

    Raises:
        typer.BadParameter: Nothing matches at all.
    """
    drawings: dict[int, Path] = {}
    rest: list[str] = []
    for index, word in enumerate(words):
        path = Path(word).expanduser()
        path = path.parent if path.name == CHARACTER_FILE else path
        if is_drawing(path):
            drawings[index] = path
        else:
            rest.append(word)
    found, missing = find_pictures(rest) if rest else ([], [])
    return [*drawings.values(), *found], missing


def files_read(files: list[Path]) -> list[Path]:
    """The files that pictures, scenes and character folders consist of."""
    found: list[Path] = []
    for file in files:
        if is_drawing(file):
            names = (CHARACTER_FILE, "texture.png", "mask.png")
            found += [file / name for name in names if (file / name).exists()]
        else:
            found += input_files(file)
    return found


def check_beside(option: str, path: Path, beside: Path) -> None:
    """Refuse a file that brings another with it, if only one of them is there already.

    What an earlier run wrote are both. One alone is somebody's: a picture that has nothing to do
    with joints, or a list that has nothing to do with sprites.

    Raises:
        typer.BadParameter: It is so, or one cannot be written; ``option`` is named.
    """
    for place in (path, beside):
        check_result(option, place, folder=False)
    if path.exists() != beside.exists():
        there, other = (path, beside) if path.exists() else (beside, path)
        raise typer.BadParameter(
            f"{option}: {str(there)!r} would be replaced, but no earlier run made it: there is no"
            f" {other.name} beside it. Give another name."
        )


def needs_segmenter(file: Path, options: DrawingOptions) -> bool:
    """Whether the characters of a picture are still to be found by the networks."""
    return not (options.paper or is_scene(file) or is_drawing(file))


def is_classic(file: Path, chosen: PuppetOptions) -> bool:
    """Whether the frames of a file are those of Animated Drawings, which has no parts."""
    return chosen.retarget == "classic" and is_drawing(file)


def drawing_of(file: Path, chosen: PuppetOptions) -> Drawing | None:
    """The drawing in a character folder, where its clip shall be that of Animated Drawings."""
    if not is_classic(file, chosen):
        return None
    from apps.puppet.classic.character import read_drawing

    return read_drawing(file)


def open_puppets(
    file: Path, options: DrawingOptions, segmenter: Segmenter | None, progress: Progress
) -> Scene:
    """Open a saved scene or a character folder, or find the characters of a picture.

    Raises:
        InvalidInput: Nobody is found.
    """
    if is_drawing(file):
        from apps.puppet.classic.character import read_drawing
        from apps.puppet.drawings import scene_of

        scene = scene_of(read_drawing(file))
    elif options.paper:
        from apps.puppet.drawings import on_paper
        from cartoonedit.scene import Scene

        scene = on_paper(Scene.open(file))
    else:
        scene = open_scene(file, segmenter, progress)
    if not len(scene):
        raise InvalidInput(
            f"no character was found in {file}. Try a lower --threshold; or paint masks:"
            " `cartoonedit segment` makes a folder, put one PNG per character into its masks/ and"
            " hand it in. Of a drawing on paper, add --paper."
        )
    return scene
