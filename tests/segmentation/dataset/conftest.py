"""Material that several tests compose scenes of."""

from __future__ import annotations

import pytest

from segmentation.dataset.compose import Sources
from segmentation.dataset.sources import Library
from tests.segmentation.dataset.material import write_art


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    art = write_art(tmp_path_factory.mktemp("art"))
    return Sources(
        Library.from_folder(art / "foregrounds"), Library.from_folder(art / "backgrounds")
    )
