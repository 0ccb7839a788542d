"""Which pictures a measure of style is about, and what belongs to each by its name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from apps.cli.batch import Failure, find_pictures
from apps.cli.contenders import named
from apps.cli.places import is_scene

__all__ = ["PictureSet", "by_name", "find_scenes", "find_sets", "matching"]


@dataclass(frozen=True)
class PictureSet:
    """Pictures that are measured together.

    Attributes:
        label: Its name in tables.
        files: The pictures by their names, which pair them with those of other sets.
    """

    label: str
    files: Mapping[str, Path]


def find_sets(
    pictures: Sequence[str], labelled: Sequence[str]
) -> tuple[list[PictureSet], list[Failure]]:
    """All sets that are named on the command line, in order.

    Args:
        pictures: Files, folders and patterns that make one set.
        labelled: Folders and patterns that make one each, with `LABEL=` before it or not.

    Returns:
        The sets, and the patterns without a match.

    Raises:
        typer.BadParameter: There is no picture, or both forms were used, or two sets or two
            pictures of a set have one name.
    """
    if bool(pictures) == bool(labelled):
        raise typer.BadParameter(
            "give either pictures, or sets of them to compare: --set LABEL=FOLDER."
        )
    if pictures:
        files, missing = find_pictures(pictures)
        return [PictureSet("pictures", by_name(files))], missing
    sets = []
    for label, place in map(named, labelled):
        files, _ = find_pictures([place])
        sets.append(PictureSet(label, by_name(files)))
    twice = [label for label, count in Counter(one.label for one in sets).items() if count > 1]
    if twice:
        raise typer.BadParameter(f"two sets are called {twice[0]!r}. Give them names: LABEL=PATH.")
    return sets, []


def by_name(files: Iterable[Path]) -> dict[str, Path]:
    """Files by their stems; by their folders where every file is called the same.

    Raises:
        typer.BadParameter: Two files would have one name.
    """
    files = list(files)
    stems = [file.name if file.is_dir() else file.stem for file in files]
    if len(files) > 1 and len(set(stems)) == 1:
        stems = [file.absolute().parent.name for file in files]
    found: dict[str, Path] = {}
    for stem, file in zip(stems, files, strict=True):
        if stem in found:
            raise typer.BadParameter(
                f"{found[stem]} and {file} have one name in a set; names pair the pictures."
            )
        found[stem] = file
    return found


def find_scenes(folder: Path) -> dict[str, Path]:
    """Folders of scenes by their names, and by those of the pictures that they were made from.

    Args:
        folder: What `cartoonedit segment` wrote, or the folder of a single scene.
    """
    scenes = [path for path in (folder, *sorted(folder.iterdir())) if is_scene(path)]
    found = {_source_stem(scene): scene for scene in scenes}
    found |= {scene.absolute().name: scene for scene in scenes}
    return {name: scene for name, scene in found.items() if name}


def matching(
    option: str, folder: Path, found: Mapping[str, Path], sets: Sequence[PictureSet]
) -> dict[str, Path]:
    """What of a folder belongs to a picture that is measured.

    Raises:
        typer.BadParameter: Nothing does.
    """
    names = {name for one in sets for name in one.files}
    matches = {name: path for name, path in found.items() if name in names}
    if not matches:
        raise typer.BadParameter(
            f"{option}: nothing in {folder} has the name of a picture that is measured, such as"
            f" {min(names)!r}."
        )
    return matches


def _source_stem(scene: Path) -> str:
    """The name of the picture that a scene was made from; empty where that is not known."""
    try:
        manifest = json.loads((scene / "scene.json").read_text(encoding="utf-8-sig"))
        return Path(manifest["source"]).stem
    except (OSError, ValueError, TypeError, KeyError):
        return ""  # when it is measured, the scene tells what is wrong with it
