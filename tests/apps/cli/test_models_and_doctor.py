from __future__ import annotations

import json
from typing import Any

import pytest

from apps.cli.doctor import required
from cartoonedit.hub import CATALOGUE

pytestmark = pytest.mark.usefixtures("empty_cache")


@pytest.fixture
def empty_cache(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def test_list(cli: Any) -> None:
    entries = json.loads(cli("models", "list", "--json").out)
    assert [entry["name"] for entry in entries] == list(CATALOGUE)
    here = {entry["name"]: entry["here"] for entry in entries}
    assert here["embedded"]
    assert not here["cartoonseg-l"]
    assert "cartoonseg-l" in cli("models", "list").out


def test_verify(cli: Any) -> None:
    run = cli("models", "verify", "--json")
    assert run.code == 0
    assert list(json.loads(run.out)) == ["embedded"]
    assert cli("models", "verify", "cartoonseg-l").code == 1


@pytest.mark.parametrize("command", ["path", "fetch"])
def test_missing_weights_say_how_to_get_them(cli: Any, command: str) -> None:
    run = cli("models", command, "cartoonseg-l")
    assert run.code == 1
    assert "cartoonedit models fetch cartoonseg-l" in run.err
    assert "dreMaz/AnimeInstanceSegmentation" in run.err


def test_unknown_name(cli: Any) -> None:
    run = cli("models", "path", "nonsense")
    assert run.code == 1
    assert "embedded" in run.err


def test_doctor(cli: Any) -> None:
    run = cli("doctor", "--json")
    findings = {finding["name"]: finding for finding in json.loads(run.out)}
    assert {"cartoonedit", "python", "cores", "device", "ffmpeg", "weights embedded"} <= set(
        findings
    )
    missing = [finding for finding in findings.values() if finding["state"] == "missing"]
    assert run.code == bool(missing)
    assert all(finding["remedy"] for finding in missing)


def test_doctor_on_a_broken_installation(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.cli.doctor.required", lambda: ["no-such-distribution"])
    run = cli("doctor")
    assert run.code == 1
    assert "pip install" in run.out


def test_required_names_are_bare() -> None:
    assert all(name.replace("-", "").replace("_", "").isalnum() for name in required())
