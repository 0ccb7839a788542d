from __future__ import annotations

import pytest
from PIL import Image

from cartoonedit.errors import InvalidInput
from cartoonedit.samples import SAMPLES, sample_path


@pytest.mark.parametrize(
    ("name", "size_wh"), [("concert", (1600, 1020)), ("duo", (1280, 720)), ("novel", (1280, 720))]
)
def test_samples_open(name: str, size_wh: tuple[int, int]) -> None:
    with Image.open(sample_path(name)) as picture:
        assert picture.size == size_wh


def test_every_sample_has_a_licence() -> None:
    text = sample_path("concert").with_name("LICENCE.md").read_text(encoding="utf-8")
    assert all(f"`{file}`" in text for file in SAMPLES.values())


def test_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(InvalidInput, match="concert, duo, novel"):
        sample_path("nonsense")
