"""README and guides promise nothing that is not there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import get_args

import pytest
import typer
from PIL import Image

from apps.cli.app import root as command_line
from cartoonedit.samples import sample_path

ROOT = Path(__file__).parent.parent
PAGES = {
    path: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *ROOT.glob("docs/*.md"))
}
README = PAGES[ROOT / "README.md"]
COMMANDS = [
    line
    for page in PAGES.values()
    for line in re.findall(r"^    cartoonedit (.*?)(?:\s+#.*)?$", page, flags=re.MULTILINE)
]
SNIPPETS = re.findall(r"^```python\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
LINKS = [
    path.parent / link
    for path, page in PAGES.items()
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", page)
]


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_parse(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command line of the README is one that the command line takes."""
    monkeypatch.chdir(tmp_path)
    for folder in ("parts/picture", "pictures", "art/foregrounds", "art/backgrounds", "clips"):
        (tmp_path / folder).mkdir(parents=True)
    for file in (
        "picture.png",
        "annotations.json",
        "art/a.png",
        "clips/*.mp4",
        "tags.jsonl",
        "style.yaml",
        "joints.yaml",
        "keys.yaml",
        "dab.yaml",
        "fair1_ppf.yaml",
        "drawing.png",
    ):
        (tmp_path / file).touch()
    command, words = command_line(), shlex.split(line)
    context = typer.Context(command, info_name="cartoonedit")
    while isinstance(command, typer.core.TyperGroup):
        name, command, words = command.resolve_command(context, words)
        context = typer.Context(command, parent=context, info_name=name)
    command.parse_args(context, words)  # raises where a name or value is not right


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.name)
def test_links_lead_somewhere(link: Path) -> None:
    assert link.exists()


def test_the_guide_to_ken_burns_knows_every_move_and_its_key_frames_are_read(
    tmp_path: Path,
) -> None:
    from apps.kenburns.keyframes import read_keyframes
    from apps.kenburns.options import Move

    guide = PAGES[ROOT / "docs" / "kenburns.md"]
    rows = "".join(re.findall(r"^\| (`.*?) \|", guide, flags=re.MULTILINE))
    assert {*get_args(Move)} <= {*re.findall(r"`([a-z-]+)`", rows)}
    (example,) = re.findall(r"^```yaml\n(.*?)^```", guide, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "camera.yaml").write_text(example)
    assert len(read_keyframes(tmp_path / "camera.yaml")) == 3


@pytest.mark.slow
def test_snippets_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_network: None) -> None:
    monkeypatch.chdir(tmp_path)
    with Image.open(sample_path("novel")) as picture:
        picture.crop((0, 0, 860, 720)).save("picture.png")
    names: dict[str, object] = {}
    for snippet in SNIPPETS:
        exec(compile(snippet, "README.md", "exec"), names)
    assert {"parts", "layers.psd", "layers.ora", "clip.mp4"} <= {p.name for p in tmp_path.iterdir()}
    assert len(names["scene"]) == 1  # type: ignore[arg-type]


def test_the_guide_to_puppets_knows_every_motion_and_its_key_frames_are_read() -> None:
    import yaml

    from apps.puppet.motion.keyframes import parse_joint_keys
    from apps.puppet.motion.library import MOTIONS

    guide = PAGES[ROOT / "docs" / "puppet.md"]
    for name in MOTIONS:
        assert re.search(rf"\b{name}\b", guide), name
    (block,) = re.findall(r"^```yaml\n(.*?)^```", guide, flags=re.MULTILINE | re.DOTALL)
    keys = parse_joint_keys(yaml.safe_load(block))
    assert keys.loop
    assert len(keys.frames) == 3
