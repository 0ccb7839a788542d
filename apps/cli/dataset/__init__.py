"""``cartoonedit dataset``: from cut-outs and backgrounds to scenes to train on."""

from __future__ import annotations

import typer

from apps.cli.dataset.material import key
from apps.cli.dataset.scenes import pack, synthesise

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="Make training data: key videos, compose scenes with exact masks.",
)
for command in (key, synthesise, pack):
    app.command()(command)


@app.callback()
def dataset() -> None:
    """Make training data: key videos, compose scenes with exact masks."""
