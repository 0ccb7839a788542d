"""``cartoonedit models``: the catalogue of weights."""

from __future__ import annotations

from typing import Annotated

import typer

from apps.cli import options
from apps.cli.terminal import bytes_for_people, note, print_json, print_table, progress_bar, say
from cartoonedit import hub
from cartoonedit.errors import ModelNotFound

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="List, fetch, verify and locate model weights.",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A name from `cartoonedit models list`.")]


@app.command("list")
def list_models(as_json: options.AsJson = False) -> None:
    """List the weights that cartoonedit knows, and whether they are on this machine."""
    entries = [
        {
            "name": weights.name,
            "here": is_here(weights.name),
            "size_bytes": weights.size_bytes,
            "licence": weights.licence,
            "repo": weights.repo or None,
            "files": {role: file.file for role, file in weights.files.items()},
            "note": weights.note,
        }
        for weights in hub.CATALOGUE.values()
    ]
    if as_json:
        print_json(entries)
        return
    rows = [("name", "here", "size", "licence", "what it is")]
    for weights in hub.CATALOGUE.values():
        size = bytes_for_people(weights.size_bytes) if weights.size_bytes else "?"
        here = "yes" if is_here(weights.name) else "no"
        rows.append((weights.name, here, size, weights.licence, weights.note))
    print_table(rows)


@app.command()
def fetch(names: Annotated[list[str], typer.Argument(metavar="NAME")]) -> None:
    """Download weights into the cache of the Hugging Face hub."""
    for name in names:
        with progress_bar() as show:
            folder = hub.fetch(name, show)
        note(f"{name}: {folder}")


@app.command()
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="All that are here, if left out."),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Compare files of weights with their published digests; exits with 1 if one is not right."""
    chosen = names or [name for name in hub.CATALOGUE if is_here(name)]
    states = {name: hub.verify(name) for name in chosen}
    if as_json:
        print_json(states)
    else:
        for name, files in states.items():
            print_table([(name, file, state) for file, state in files.items()])
    if any(state not in ("ok", "unknown") for files in states.values() for state in files.values()):
        raise typer.Exit(1)


@app.command()
def path(name: Name) -> None:
    """Print the folder that holds weights."""
    say(str(hub.path(name)))


def is_here(name: str) -> bool:
    """Whether all files of a set of weights are on this machine."""
    try:
        hub.path(name)
    except ModelNotFound:
        return False
    return True
