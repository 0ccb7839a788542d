"""``cartoonedit puppet``: every character of a picture moves."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.cli import options
from apps.cli.batch import Failure, for_each
from apps.cli.parts import PlateOptions, with_plate
from apps.cli.places import is_scene
from apps.cli.puppet_parts import (
    DrawingOptions,
    check_beside,
    drawing_of,
    files_read,
    find_puppets,
    is_classic,
    needs_segmenter,
    open_puppets,
)
from apps.cli.record import record_path, write_record
from apps.cli.results import check_new, check_result, clip_places, keep_apart, new_scenes
from apps.cli.terminal import print_json, print_table, say
from apps.puppet.options import PuppetOptions
from segmentation.options import SegmentOptions

if TYPE_CHECKING:
    from apps.puppet.classic.character import Drawing
    from apps.puppet.film import Film
    from cartoonedit.runtime import Progress
    from cartoonedit.scene import Scene

app = typer.Typer(rich_markup_mode=None, add_completion=False)


def _print_motions(value: str) -> str:
    if value == "list":
        from apps.puppet.motion.library import MOTIONS

        print_table([*MOTIONS.items()])
        raise typer.Exit
    return value


@dataclass
class PuppetFiles:
    """What else to write, for other programs.

    Attributes:
        sprite_sheet: All frames on one transparent picture (.png), and where each is as .json.
        joints_out: Where every joint is in every frame, as .json.
        drawings: New folder for a character folder of Animated Drawings for each puppet.
        spine: New folder for a Spine skeleton (.json, images) of each puppet.
        save_scene: New folder for masks, background and joints as files: mend them, and give the
            folder in place of the picture. Of several pictures each has a folder in it.
    """

    sprite_sheet: Path | None = None
    joints_out: Path | None = None
    drawings: Path | None = None
    spine: Path | None = None
    save_scene: Path | None = None

    @property
    def of_one(self) -> dict[str, Path]:
        """What can be written of one picture only, by option."""
        given = {
            "--sprite-sheet": self.sprite_sheet,
            "--joints-out": self.joints_out,
            "--drawings": self.drawings,
            "--spine": self.spine,
        }
        return {option: path for option, path in given.items() if path is not None}

    @property
    def written(self) -> list[Path]:
        """All files and folders, with what comes beside a sprite sheet."""
        beside = [self.sprite_sheet.with_suffix(".json")] if self.sprite_sheet else []
        return [*self.of_one.values(), *beside]

    def check(self, count: int, *, classic: bool) -> None:
        """Refuse what cannot be written, before any work.

        Folders are new ones or empty: in others may be what a person has mended.

        Args:
            count: Of pictures.
            classic: Whether one is a character folder whose frames are Animated Drawings' own.

        Raises:
            typer.BadParameter: Something cannot; the option is named.
        """
        for option, path in self.of_one.items():
            if count > 1:
                raise typer.BadParameter(f"{option} is for one picture; got {count}.")
            if classic:
                raise typer.BadParameter(
                    f"{option} is not for character folders with --retarget classic; leave one out."
                )
            ending = _ENDINGS.get(option)
            if ending is None:
                check_new(option, path)
                continue
            if path.suffix.lower() != ending:
                raise typer.BadParameter(f"{option} must end in {ending}; got {str(path)!r}.")
            check_result(option, path, folder=False)
            if option == "--sprite-sheet":
                check_beside(option, path, path.with_suffix(".json"))

    def write(
        self, film: Film, source: Scene | Drawing, progress: Progress, *, sheet: bool
    ) -> None:
        """Write the sprite sheet, or all else; of a clip of Animated Drawings there is neither."""
        chosen = [one for one in self.of_one.items() if (one[0] == "--sprite-sheet") == sheet]
        if not chosen:
            return
        from apps.puppet.export.show import export_show
        from apps.puppet.show import Show
        from cartoonedit.scene import Scene

        if isinstance(film, Show) and isinstance(source, Scene):
            for option, path in chosen:
                export_show(option.removeprefix("--"), film, source, path, progress)


_ENDINGS = {"--sprite-sheet": ".png", "--joints-out": ".json"}
"""Of files; all else is a folder."""


@app.command("puppet")
@options.expand(
    PuppetOptions, DrawingOptions, PuppetFiles, PlateOptions, SegmentOptions, options.ModelOptions
)
def animate(
    ctx: typer.Context,
    pictures: options.Pictures,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="The clip: .mp4 .webm .mov .gif .apng .webp, or a folder of PNGs."
        ),
    ],
    motion: Annotated[
        str,
        typer.Option(
            callback=_print_motions,
            is_eager=True,
            metavar="NAME|FILE",
            help=f"{options.describe_field(PuppetOptions, 'motion')} list prints the names.",
        ),
    ] = PuppetOptions.motion,
    as_json: options.AsJson = False,
    **values: Any,
) -> None:
    """Let every character of a picture dance.

    Takes pictures, which are segmented first; folders that `cartoonedit segment` or --save-scene
    wrote, whose masks, background and joints may have been edited; character folders of Animated
    Drawings; and, with --paper, drawings on paper. Of several pictures each has its clip in the
    folder OUT: .mp4, or .webm with --transparent.

    `cartoonedit puppet joints PICTURE -o joints.yaml` writes where the joints are, and a picture of
    them, to be corrected and taken back with --joints.
    """
    # Its threads would spin where the encoder has use for the cores; read when it is loaded.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from apps.puppet import Puppet
    from apps.puppet.writing import write_film

    values = values | {"motion": motion}
    chosen, kind = options.build(PuppetOptions, values), options.build(DrawingOptions, values)
    files_of_show = options.build(PuppetFiles, values)
    plate = options.build(PlateOptions, values)
    make_segmenter = options.segmenter_maker(values)
    files, missing = find_puppets(pictures)
    clips = clip_places(
        files, len(files) + len(missing), out, chosen.rate, alpha=chosen.transparent
    )
    classic = any(is_classic(file, chosen) for file in files)
    files_of_show.check(len(files) + len(missing), classic=classic)
    folders = new_scenes(files, files_of_show.save_scene)
    new = [folder for folder in folders.values() if not is_scene(folder)]
    read = [*files_read(files), *chosen.files, plate.plate]
    records = [record_path(clip) for clip in clips.values()]
    keep_apart(read, [*clips.values(), *records, *files_of_show.written, *new])
    puppet = Puppet(chosen)
    segmenter = make_segmenter() if any(needs_segmenter(file, kind) for file in files) else None

    def work(file: Path, progress: Progress) -> dict[str, Any]:
        source: Scene | Drawing | None = drawing_of(file, chosen)
        if source is None or files_of_show.save_scene:
            scene = open_puppets(file, kind, segmenter, progress)
            scene = with_plate(scene, plate, values["device"], chosen.seed, progress)
            if files_of_show.save_scene:
                scene = puppet.rigged(scene)
                scene.save(folders[file], parts=("plate",))
            source = scene if source is None else source
        film = puppet.film(source, progress)
        # A sprite sheet can be too large, which is told before a long clip is made.
        files_of_show.write(film, source, progress, sheet=True)
        write_film(film, clips[file], progress)
        files_of_show.write(film, source, progress, sheet=False)
        models = options.model_files(values) if needs_segmenter(file, kind) else {}
        inputs = [*files_read([file]), *chosen.files]
        actual = _NOT_REPEATED | _named(chosen) | {"pictures": [file], "out": clips[file]}
        write_record(ctx, clips[file], inputs=inputs, models=models, **actual)
        if not as_json:
            say(f"{file}: {clips[file]}")
        return {
            "file": str(file),
            "clip": str(clips[file]),
            "frames": len(film),
            "fps": film.fps,
            "instances": _names(source),
        }

    done, failed = for_each(files, work)
    _finish(done, missing + failed, as_json)


def _finish(done: list[dict[str, Any]], failed: list[Failure], as_json: bool) -> None:
    if as_json:
        print_json({"clips": done, "failed": [asdict(failure) for failure in failed]})
    if failed:
        raise typer.Exit(1)


def _names(source: Scene | Drawing) -> list[str]:
    """The characters that are shown."""
    from apps.puppet.classic.character import Drawing

    if isinstance(source, Drawing):
        return [source.name]
    return [instance.name for instance in source]


def _named(chosen: PuppetOptions) -> dict[str, Any]:
    """The motions as a record names them: so that they are found from any folder."""
    from apps.puppet.motion.library import MOTIONS, motion_file

    def named(word: str) -> str:
        known = word.strip().lower() in MOTIONS
        return word if known else str(motion_file(word).absolute())

    others = [f"{name}={named(word)}" for name, word in chosen.motions.items()]
    return {"motion": named(chosen.motion), "motion_for": others}


_NOT_REPEATED: dict[str, Any] = dict.fromkeys(
    ("save_scene", "sprite_sheet", "joints_out", "drawings", "spine")
)
"""A record repeats the clip. What else was written may have been worked on: not over those."""
