"""``cartoonedit rerun``: make a result again from its record."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from apps.cli.record import changes_since, command_line, read_record
from apps.cli.terminal import note

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def rerun(
    ctx: typer.Context,
    record: Annotated[
        Path, typer.Argument(metavar="RUN.JSON", exists=True, dir_okay=False, help="The record.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Another place for the result.")
    ] = None,
) -> None:
    """Repeat a run from the run.json beside its result.

    The result is written to the same place, over the old one, unless --out names another.
    """
    recorded = read_record(record)
    for change in changes_since(recorded):
        note(f"note: {change}")
    root: Any = ctx.find_root().command
    named = recorded["command"].split() or [""]
    _, command, _ = root.resolve_command(ctx.find_root(), named)
    arguments = recorded["arguments"] | {"overwrite": True}
    if out is not None:
        arguments["out"] = str(out)
    words = [*named, *command_line(command, arguments)]
    note(f"cartoonedit {shlex.join(words)}")
    raise typer.Exit(root.main(words, prog_name="cartoonedit", standalone_mode=False) or 0)
