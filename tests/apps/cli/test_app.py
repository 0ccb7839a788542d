from __future__ import annotations

import importlib
import logging
import signal
from pathlib import Path
from typing import Any

import pytest
import typer

from apps.cli.app import COMMANDS
from cartoonedit.errors import Cancelled, InvalidInput


@pytest.mark.parametrize("name", COMMANDS)
def test_help_lines_agree(name: str) -> None:
    """The list of commands says what the command's own help begins with."""
    command: Any = typer.main.get_command(importlib.import_module(f"apps.cli.{name}").app)
    assert command.help.splitlines()[0] == COMMANDS[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(cli: Any, name: str) -> None:
    run = cli(name, "--help")
    assert run.code == 0
    assert f"Usage: cartoonedit {name}" in run.out


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["bogus"], "No such command"),
        (["kenburn"], "Did you mean 'kenburns'"),
        (["segment"], "Missing argument 'PICTURE'"),
        (["segment", "a.png"], "Missing option '--out'"),
        (["segment", "nowhere.png", "-o", "out"], "nowhere.png"),
        (["segment", "a.png", "-o", "out", "--refine", "much"], "'--refine'"),
        (["segment", "a.png", "-o", "out", "--threshold", "2"], "threshold must be"),
        (["kenburns", "a.png", "-o", "a.mp4", "--size", "12"], "1280x720"),
        (["kenburns", "a.png", "-o", "a.mp4", "--duration", "-1"], "duration must be"),
        (["demo", "--sample", "bogus"], "'--sample'"),
        (["rerun", "nowhere.json"], "does not exist"),
    ],
)
def test_wrong_usage(cli: Any, words: list[str], part: str) -> None:
    run = cli(*words)
    assert run.code == 2
    assert part in run.err
    assert run.out == ""


@pytest.mark.parametrize(
    ("error", "code", "part"),
    [
        (InvalidInput("the depth is too deep."), 1, "cartoonedit: the depth is too deep."),
        (
            OSError(28, "No space left on device", "clip.mp4"),
            1,
            "No space left on device: clip.mp4",
        ),
        (ZeroDivisionError("division by zero"), 1, "did not expect: ZeroDivisionError"),
        (Cancelled("stopped"), 130, "stopped"),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_are_one_line(
    cli: Any, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, part: str
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("apps.cli.doctor.examine", fail)
    run = cli("doctor")
    assert run.code == code
    assert part in run.err
    assert len(run.err.splitlines()) == 1
    assert run.out == ""


def test_debug_shows_the_traceback(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.cli.doctor.examine", lambda: 1 / 0)
    run = cli("--debug", "doctor")
    assert run.code == 1
    assert "Traceback" in run.err
    assert "ZeroDivisionError" in run.err


@pytest.fixture(autouse=True)
def _restore_process_state() -> Any:
    """The command line owns the process that it runs in; these tests lend it theirs."""
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)}
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    for each, handler in before.items():
        signal.signal(each, handler)
    logging.root.handlers[:], logging.root.level = handlers, level


def test_what_ends_a_program_unwinds_it(cli: Any) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    assert cli("models", "list").code == 0
    for number in (signal.SIGTERM, signal.SIGHUP):
        handler: Any = signal.getsignal(number)
        with pytest.raises(SystemExit) as exit_:
            handler(number, None)
        assert exit_.value.code == 128 + number


def test_a_terminal_that_is_closed_does_not_end_what_nohup_started(cli: Any) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    cli("models", "list")
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_version(cli: Any) -> None:
    assert cli("--version").out.startswith("cartoonedit ")


def test_quiet(cli: Any, picture: Path, two_discs: Any) -> None:
    run = cli("--quiet", "segment", picture, "-o", picture.parent / "out")
    assert (run.code, run.err) == (0, "")
