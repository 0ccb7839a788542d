"""``cartoonedit doctor``: what this installation has, what it lacks, and how to get that."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Literal

import typer

import cartoonedit
from apps.cli import options
from apps.cli.models import is_here
from apps.cli.terminal import bytes_for_people, print_json, print_table, say

app = typer.Typer(rich_markup_mode=None, add_completion=False)

REINSTALL = "pip install --force-reinstall cartoonedit"
# Distributions that overwrite each other's files: with both of a pair, one of them is broken.
RIVALS = (
    ("opencv-python-headless", "opencv-python"),
    ("opencv-python-headless", "opencv-contrib-python"),
    ("onnxruntime", "onnxruntime-gpu"),
)
LOW_DISK = 2 * 1024**3


@dataclass(frozen=True)
class Finding:
    """One line of the report; ``remedy`` says what to do where something is not as it should be."""

    name: str
    state: Literal["ok", "warning", "missing"]
    value: str
    remedy: str = ""


@app.command()
def doctor(as_json: options.AsJson = False) -> None:
    """Report what this installation has and what it lacks.

    Exits with 1 if something is missing that the commands need.
    """
    findings = list(examine())
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        print_table([(finding.state, finding.name, finding.value) for finding in findings])
        for finding in findings:
            if finding.remedy:
                say(f"\n{finding.name}: {finding.remedy}")
    if any(finding.state == "missing" for finding in findings):
        raise typer.Exit(1)


def examine() -> Iterator[Finding]:
    """Look at everything that the commands depend on."""
    home = Path(cartoonedit.__file__).parent
    yield Finding("cartoonedit", "ok", f"{cartoonedit.__version__} in {home}")
    yield Finding("python", "ok", f"{platform.python_version()} in {sys.prefix}")
    yield Finding("machine", "ok", platform.platform())
    yield from _libraries()
    yield from _compute()
    yield _ffmpeg()
    yield from _weights()
    yield from _disk()


def _libraries() -> Iterator[Finding]:
    for name in required():
        version = _version(name)
        if version:
            yield Finding(name, "ok", version)
        else:
            yield Finding(name, "missing", "not installed", REINSTALL)
    for kept, rival in RIVALS:
        if _version(kept) and _version(rival):
            remedy = f"pip uninstall {rival} && pip install --force-reinstall {kept}"
            yield Finding(rival, "warning", f"overwrites files of {kept}", remedy)


def required() -> list[str]:
    """Names of the distributions that cartoonedit depends on; none where it runs uninstalled."""
    try:
        lines = metadata.requires("cartoonedit") or []
    except metadata.PackageNotFoundError:
        return []
    return [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in lines if "extra ==" not in line]


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _compute() -> Iterator[Finding]:
    from cartoonedit.runtime import cpu_count

    yield Finding("cores", "ok", f"{cpu_count()} for this process, {os.cpu_count()} in the machine")
    try:
        torch = import_module("torch")
        import_module("torchvision")
    except (ImportError, OSError, RuntimeError) as error:
        # builds of torch and torchvision that do not fit each other fail in many ways
        remedy = "pip install --force-reinstall torch torchvision (both from the same place)"
        yield Finding("device", "missing", str(error).splitlines()[0], remedy)
        return
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            memory = bytes_for_people(properties.total_memory)
            yield Finding("device", "ok", f"cuda:{index} {properties.name}, {memory}")
    elif torch.backends.mps.is_available():
        yield Finding("device", "ok", "mps")
    else:
        yield Finding("device", "ok", f"cpu, {torch.get_num_threads()} threads; no GPU is needed")


def _ffmpeg() -> Finding:
    try:
        imageio_ffmpeg = import_module("imageio_ffmpeg")
        program, version = imageio_ffmpeg.get_ffmpeg_exe(), imageio_ffmpeg.get_ffmpeg_version()
    except (ImportError, RuntimeError) as error:
        remedy = "pip install imageio-ffmpeg, or set IMAGEIO_FFMPEG_EXE to a program that you have"
        return Finding("ffmpeg", "missing", str(error).splitlines()[0], remedy)
    return Finding("ffmpeg", "ok", f"{version} in {program}")


def _weights() -> Iterator[Finding]:
    from huggingface_hub import constants

    from cartoonedit import hub

    for name, weights in hub.CATALOGUE.items():
        states = hub.verify(name) if weights.embedded else {}
        bad = [f"{file}: {state}" for file, state in states.items() if state != "ok"]
        if bad:
            yield Finding(f"weights {name}", "missing", "; ".join(bad), REINSTALL)
        elif is_here(name):
            yield Finding(f"weights {name}", "ok", str(hub.path(name)))
        else:
            value = f"not fetched (cartoonedit models fetch {name})"
            yield Finding(f"weights {name}", "ok", value)
    yield Finding("weights cache", "ok", f"{constants.HF_HUB_CACHE}")


def _disk() -> Iterator[Finding]:
    for name, folder in (
        ("this folder", Path.cwd()),
        ("temporary files", Path(tempfile.gettempdir())),
    ):
        free = shutil.disk_usage(folder).free
        state: Literal["ok", "warning"] = "ok" if free > LOW_DISK else "warning"
        remedy = "" if free > LOW_DISK else "little space is left; clips and weights may not fit"
        yield Finding(name, state, f"{bytes_for_people(free)} free in {folder}", remedy)
