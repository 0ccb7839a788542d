"""``cartoonedit dataset``: from cut-outs and backgrounds to scenes to train on."""

from __future__ import annotations

import typer

from apps.cli.dataset.material import backgrounds, cutouts, key
from apps.cli.dataset.scenes import pack, synthesise

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="Make training data: cut-outs, backgrounds, scenes with exact masks.",
)
for command in (key, cutouts, backgrounds, synthesise, pack):
    app.command()(command)


@app.callback()
def dataset() -> None:
    """Make training data: cut-outs, backgrounds, scenes with exact masks."""
