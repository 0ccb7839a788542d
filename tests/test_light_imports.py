"""`import cartoonedit` and the help texts load no heavy library. Nothing is timed here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"torch", "torchvision", "diffusers", "transformers", "onnxruntime", "timm", "accelerate"}
# What would break the 0.3 s of `import cartoonedit` and `cartoonedit --help`.
SLOW = HEAVY | {"numpy", "cv2", "PIL", "scipy", "rich", "huggingface_hub", "moviepy", "yaml"}

HELP = """\
import apps.cli
try:
    apps.cli.main({argv!r})
except SystemExit as stop:
    assert not stop.code, stop.code
"""
LISTING = """
import json, sys
print()
print(json.dumps(sorted({m.split(".")[0] for m in sys.modules})))
"""


def loaded_by(code: str, env: dict[str, str], folder: Path) -> set[str]:
    """Top-level modules in a new interpreter that ran ``code``."""
    run = subprocess.run(
        [sys.executable, "-c", code + LISTING],
        cwd=folder, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return set(json.loads(run.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("code", "forbidden"),
    [
        ("import cartoonedit", SLOW | {"apps", "segmentation", "typer"}),
        (HELP.format(argv=["--help"]), SLOW),
        (HELP.format(argv=["--version"]), SLOW),
        *[
            (HELP.format(argv=[*command.split(), "--help"]), HEAVY)
            for command in (
                "segment", "kenburns", "puppet", "puppet joints", "demo", "rerun", "doctor",
                "evaluate", "evaluate segmentation", "evaluate style",
                "models", "models list", "models fetch", "models verify", "models path",
            )
        ],
    ],
)  # fmt: skip
def test_does_not_load(
    code: str, forbidden: set[str], child_env: dict[str, str], tmp_path: Path
) -> None:
    assert not loaded_by(code, child_env, tmp_path) & forbidden


def test_public_names_resolve() -> None:
    import cartoonedit

    for name in cartoonedit.__all__:
        assert getattr(cartoonedit, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = cartoonedit.nonsense
