"""The command line: ``cartoonedit COMMAND``. One file per command, loaded when it is called."""

from __future__ import annotations

__all__ = ["main"]


def main(argv: list[str] | None = None) -> None:
    """Run the command line and exit with its code.

    Args:
        argv: Arguments after the program's name; the process's own where left out.

    Raises:
        SystemExit: Always. 0: done; 1: an item failed; 2: wrong usage; 130: stopped by Ctrl-C.
    """
    try:
        from apps.cli.app import root

        root()(args=argv, prog_name="cartoonedit")
    except KeyboardInterrupt:  # before there is a command to be stopped
        raise SystemExit(130) from None
