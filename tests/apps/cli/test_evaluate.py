from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image


@pytest.fixture
def truth(cli: Any, picture: Path, two_discs: Any) -> Path:
    """Annotations of two pictures, with exactly the characters that the segmenter will find."""
    other = picture.with_name("other.png")
    Image.new("RGB", (50, 40), "red").save(other)
    cli("segment", picture, other, "-o", picture.parent / "out")
    return picture.parent / "out" / "annotations.json"


def test_what_was_found_is_perfect(cli: Any, picture: Path, truth: Path) -> None:
    run = cli("evaluate", "segmentation", picture.parent, truth, "--predictions", truth, "--json")
    assert run.code == 0, run.err
    result = json.loads(run.out)
    assert set(result) == {"bbox", "segm", "boundary"}
    assert all(measures["AP"] == pytest.approx(1) for measures in result.values())


def test_table(cli: Any, picture: Path, truth: Path) -> None:
    run = cli("evaluate", "segmentation", picture.parent, truth, "--predictions", truth)
    lines = [line.split() for line in run.out.splitlines()]
    assert lines[0] == ["AP", "AP50", "AP75", "AR"]
    assert lines[1] == ["box", "100.0", "100.0", "100.0", "100.0"]


def test_pictures_are_segmented(
    cli: Any, picture: Path, truth: Path, two_discs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def batch(self: Any, files: Any, progress: Any) -> Any:
        return map(self, files)

    monkeypatch.setattr(type(two_discs[0]), "batch", batch, raising=False)
    kept = picture.parent / "results.json"
    run = cli("evaluate", "segmentation", picture.parent, truth, "--json", "-o", kept)
    assert json.loads(run.out)["segm"]["AP"] == pytest.approx(1)
    assert two_discs[-1].options["threshold"] < 0.1
    assert len(json.loads(kept.read_text())) == 4


def test_bad_truth(cli: Any, picture: Path) -> None:
    truth = picture.with_name("truth.json")
    truth.write_text("{}")
    run = cli("evaluate", "segmentation", picture.parent, truth, "--predictions", truth)
    assert run.code == 1
    assert "COCO" in run.err
