"""The root of the command line: which commands there are, and what happens to their errors.

``cartoonedit --help`` must be quick, so a command's module is imported when it is called, and the
help is plain text: typer's rich help alone costs more than everything else here together.
"""

from __future__ import annotations

import errno
import importlib
import io
import logging
import os
import signal
import sys
from typing import Annotated, Any

import typer
import typer.core

from apps.cli.batch import describe
from apps.cli.terminal import Notes, complain
from cartoonedit.errors import Cancelled

logger = logging.getLogger(__name__)

COMMANDS = {
    "demo": "Do it all to a sample picture, without a network.",
    "segment": "Cut every character out of pictures.",
    "kenburns": "Render a camera move with the characters as layers.",
    "style": "Translate pictures into another style, character by character.",
    "puppet": "Let every character of a picture dance.",
    "evaluate": "Measure masks against annotations, and styles against their prompt.",
    "dataset": "Make training data: cut-outs, backgrounds, scenes with exact masks.",
    "train": "Train the networks behind the masks on your own material.",
    "models": "List, fetch, verify and locate model weights.",
    "rerun": "Repeat a run from the run.json beside its result.",
    "doctor": "Report what this installation has and what it lacks.",
}
"""Command to its line of help. Command ``x`` is the typer app ``apps.cli.x.app``."""

SECOND_WORDS = {"puppet": ("joints",)}
"""Words that make another command of one: ``x y`` is the typer app ``apps.cli.x_y.app``."""

EXIT_FAILED, EXIT_STOPPED = 1, 130


class LazyGroup(typer.core.TyperGroup):
    """Imports a command's module when it is called; turns an error into a line and an exit code."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the real command in place of the entry in the list of commands."""
        name, command, rest = super().resolve_command(ctx, args)
        if name in COMMANDS:
            if rest and rest[0] in SECOND_WORDS.get(name, ()):
                name, *rest = f"{name} {rest[0]}", *rest[1:]
            module = importlib.import_module(f"apps.cli.{name.replace(' ', '_')}")
            command = typer.main.get_command(module.app)
            command.name = name
        return name, command, rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command; see :func:`apps.cli.main` for the exit codes."""
        # SystemExit unwinds the stack, so partial files are removed as they are after Ctrl-C.
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows knows of no terminal that is closed
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # by nohup
                signal.signal(number, lambda number, _: sys.exit(128 + number))
        try:
            return super().invoke(ctx)
        except (Cancelled, KeyboardInterrupt) as stop:
            complain("stopped; nothing is left half-written")
            raise typer.Exit(EXIT_STOPPED) from stop
        except Exception as error:
            if hasattr(error, "exit_code") or getattr(error, "errno", None) == errno.EPIPE:
                raise  # typer's own: wrong usage, an exit with a code, a reader that went away
            logger.debug("the whole traceback:", exc_info=True)
            complain(describe(error))
            raise typer.Exit(EXIT_FAILED) from error


def _show_version(wanted: bool) -> None:
    if wanted:
        import cartoonedit

        typer.echo(f"cartoonedit {cartoonedit.__version__}")
        raise typer.Exit


def _configure(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only results and errors.")] = False,
    debug: Annotated[
        bool,
        typer.Option(
            "--debug", envvar="CARTOONEDIT_DEBUG", help="Full tracebacks and all log lines."
        ),
    ] = False,
) -> None:
    """Cut every character out of a cartoon picture, and make the picture move."""
    for stream in (sys.stdout, sys.stderr):  # a name that one cannot show must not stop the work
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    level = logging.DEBUG if debug else logging.WARNING if quiet else logging.INFO
    logging.basicConfig(format="%(message)s", handlers=[Notes()], level=logging.WARNING, force=True)
    for package in ("cartoonedit", "segmentation", "prompts", "apps"):
        logging.getLogger(package).setLevel(level)
    # Libraries that draw bars of their own would draw them over ours.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


def root() -> Any:
    """Build the root command."""
    app = typer.Typer(
        cls=LazyGroup,
        rich_markup_mode=None,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_configure)
    for name, help_line in COMMANDS.items():
        app.command(name, help=help_line)(lambda: None)
    return typer.main.get_command(app)
