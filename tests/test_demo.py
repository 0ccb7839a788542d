"""The README's second command, as a stranger runs it: in an empty folder, without a network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

pytestmark = pytest.mark.slow

CARTOONEDIT = [sys.executable, "-c", "import apps.cli; apps.cli.main()"]


# Three characters are in each; the drummer of the concert is small and half hidden.
@pytest.mark.parametrize(("sample", "at_least"), [("concert", 2), ("novel", 3)])
def test_demo_offline(
    tmp_path: Path, offline_env: dict[str, str], sample: str, at_least: int
) -> None:
    run = subprocess.run(
        [*CARTOONEDIT, "demo", "--sample", sample, "--json"],
        cwd=tmp_path, env=offline_env, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    demo = tmp_path / "demo"
    assert all(Path(tmp_path, path).exists() for path in result["files"].values())

    names = [instance["name"] for instance in result["instances"]]
    assert at_least <= len(names) <= 5
    for name in names:
        assert Image.open(demo / "cutouts" / f"{name}.png").mode == "RGBA"
    size = Image.open(demo / "picture.png").size
    assert all(Image.open(demo / f"{part}.png").size == size for part in ("plate", "overlay"))
    assert Image.open(demo / "depth.png").mode.startswith("I")
    coco = json.loads((demo / "annotations.json").read_text())
    assert len(coco["annotations"]) == len(names)
    record = json.loads((demo / "run.json").read_text())
    assert record["command"] == "demo"
    assert {model["name"] for model in record["models"]} == {"detector", "refiner"}
    assert all(len(model["sha256"]) == 64 for model in record["models"])


def test_the_offline_environment_refuses_the_network(offline_env: dict[str, str]) -> None:
    code = "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9/')"
    run = subprocess.run(
        [sys.executable, "-c", code], env=offline_env, capture_output=True, text=True, check=False
    )
    assert "the network is refused in this test" in run.stderr
