from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cartoonedit import hub
from cartoonedit.depth import ESTIMATORS, DepthEstimator, estimate_depth
from cartoonedit.errors import InvalidInput, ModelNotFound
from cartoonedit.scene import Scene

BLANK = np.zeros((45, 80, 3), np.uint8)
NETWORKS = [name for name in ESTIMATORS if name != "layered"]


def test_a_callable_is_an_estimator() -> None:
    expected = np.full((45, 80), 0.25, np.float32)
    depth = estimate_depth(BLANK, [], lambda picture, masks, device: expected)
    assert depth is expected


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("name", NETWORKS)
def test_missing_weights_are_one_clear_error(cache: Path, name: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        estimate_depth(BLANK, [], name, device="cpu")
    weights = hub.CATALOGUE[name]
    first = next(iter(weights.files.values())).file
    for part in (weights.repo, first, str(cache), f"cartoonedit models fetch {name}"):
        assert part in str(caught.value)


@pytest.mark.usefixtures("no_network")
def test_a_repository_that_was_not_fetched(cache: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"hf download owner/some-model-1\.5") as caught:
        estimate_depth(BLANK, [], "owner/some-model-1.5", device="cpu")
    assert str(cache) in str(caught.value)


@pytest.mark.parametrize("name", ["magic", "a/b/c", "../there", ""])
def test_unknown_names(name: str) -> None:
    with pytest.raises((InvalidInput, ModelNotFound), match=r"layered, leres, zoe, midas|folder"):
        estimate_depth(BLANK, [], name or "none")


@pytest.mark.parametrize("name", NETWORKS)
def test_the_catalogue_holds_what_the_estimators_need(name: str) -> None:
    weights = hub.CATALOGUE[name]
    assert weights.licence and weights.note
    files = [file.file for file in weights.files.values()]
    assert len(set(files)) == len(files)
    # The folder of the first file is that of the whole model.
    assert "/" not in files[0]


class TestDepthEstimator:
    def test_it_carries_its_settings_into_a_scene(self, tmp_path: Path) -> None:
        ramp = np.linspace(0, 1, 80, dtype=np.float32)[None].repeat(45, axis=0)
        np.save(tmp_path / "d.npy", ramp)
        estimator = DepthEstimator(tmp_path / "d.npy", convention="near-white")
        scene = Scene(BLANK, depth_estimator=estimator)
        assert scene.depth_estimator == str(tmp_path / "d.npy") == estimator.name
        np.testing.assert_allclose(scene.depth, 1 - ramp, atol=1e-6)

    @pytest.mark.parametrize(
        ("own", "asked", "used"),
        [("cpu", None, "cpu"), ("cpu", "auto", "cpu"), ("auto", "cuda", "cuda")],
    )
    def test_its_device_holds_unless_another_is_asked_for(
        self, monkeypatch: pytest.MonkeyPatch, own: str, asked: str | None, used: str
    ) -> None:
        seen = []

        def record(picture: np.ndarray, masks: object, device: str) -> np.ndarray:
            seen.append(device)
            return np.zeros(picture.shape[:2], np.float32)

        monkeypatch.setitem(ESTIMATORS, "layered", record)
        DepthEstimator(device=own)(BLANK, [], asked)
        assert seen == [used]

    def test_it_is_a_value(self) -> None:
        assert DepthEstimator("zoe") == DepthEstimator("zoe") != DepthEstimator("midas")
        assert len({DepthEstimator("zoe"), DepthEstimator("zoe")}) == 1
