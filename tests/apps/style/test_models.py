from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from apps.style import PartOptions, StyleOptions
from apps.style.models import controlnet_for, find_models
from cartoonedit.errors import InvalidInput, ModelNotFound
from cartoonedit.scene import Scene
from tests.apps.style.conftest import MakeEditor, Seen

Build = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("no_network")


@pytest.fixture(autouse=True)
def nothing_was_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ["sd15", "controlnet-lineart", "wd-v1-4-swinv2-tagger-v2"]),
        ({"tagger": "none"}, ["sd15", "controlnet-lineart"]),
        ({"tagger": "none", "controlnet": "none"}, ["sd15"]),
        ({"global_only": True}, ["sd15", "controlnet-lineart"]),
        ({"model": "sdxl"}, ["sdxl", "controlnet-union-sdxl", "wd-v1-4-swinv2-tagger-v2"]),
        (
            {"lineart": "anime", "tagger": "none"},
            ["sd15", "controlnet-lineart-anime", "lineart-anime"],
        ),
    ],
)
def test_all_that_is_missing_is_named(options: dict[str, Any], names: list[str]) -> None:
    with pytest.raises(ModelNotFound) as caught:
        find_models(StyleOptions(prompt="ink", **options))
    message = str(caught.value)
    assert [message.count(f"models fetch {name}.") for name in names] == [1] * len(names)
    assert message.count("models fetch") == len(names)
    assert message.startswith(f"{len(names)} models are not") == (len(names) > 1)


def test_all_that_is_there(
    tiny_diffusion: Build,
    tiny_controlnet: Build,
    tiny_lora: Build,
    tiny_ip_adapter: Build,
    tmp_path: Path,
) -> None:
    """What only parts need that are not translated is not looked for; a tagger may be missing."""
    Image.new("RGB", (8, 8)).save(tmp_path / "look.png")
    options = StyleOptions(
        prompt="ink",
        model=str(tiny_diffusion("sd15", 4)),
        controlnet=str(tiny_controlnet("sd15")),
        lora=[f"{tiny_lora('sd15')}:0.5"],
        reference_adapter=str(tiny_ip_adapter()),
    )
    own = {
        "character-1": PartOptions(reference=tmp_path / "look.png"),
        "character-2": PartOptions(lora=["none.safetensors"], skip=True),
    }
    assert find_models(options, own) == {
        "model": tiny_diffusion("sd15", 4),
        "controlnet": tiny_controlnet("sd15"),
        f"lora {tiny_lora('sd15').name}": tiny_lora("sd15"),
        "reference_adapter": tiny_ip_adapter(),
    }
    own["character-2"] = PartOptions(lora=["none.safetensors"])
    with pytest.raises(ModelNotFound, match=r"there is no file none\.safetensors"):
        find_models(options, own)


@pytest.mark.parametrize("content", [None, b"no picture"])
def test_a_reference_picture_that_cannot_be_opened(
    make_editor: MakeEditor, tagged_scene: Scene, seen: Seen, tmp_path: Path, content: bytes | None
) -> None:
    """It is told before the first part is translated."""
    look = tmp_path / "look.png"
    if content is not None:
        look.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"look\.png"):
        make_editor()(tagged_scene, {"character-2": PartOptions(reference=look)})
    assert not seen.calls


def test_a_lora_of_another_family_is_told_first(
    make_editor: MakeEditor, tagged_scene: Scene, seen: Seen, tiny_lora: Build
) -> None:
    with pytest.raises(InvalidInput, match="LoRA"):
        make_editor()(tagged_scene, {"character-2": PartOptions(lora=[str(tiny_lora("sdxl"))])})
    assert not seen.calls


def test_a_tagger_by_path_must_be_there(make_editor: MakeEditor) -> None:
    with pytest.raises(ModelNotFound, match="no file or folder of weights"):
        make_editor(tagger="./none.onnx").find_models()


def test_a_single_file_needs_its_settings(tmp_path: Path, tiny_diffusion: Build) -> None:
    from tests.cartoonedit.tiny_diffusion import build_single_file

    folder = tiny_diffusion("sd15", 4)
    file = build_single_file(folder, tmp_path / "model.safetensors")
    options = {"prompt": "ink", "model": str(file), "controlnet": "none", "tagger": "none"}
    with pytest.raises(ModelNotFound, match="models fetch sd15-config") as caught:
        find_models(StyleOptions(**options))
    assert str(caught.value).count("models fetch") == 1
    assert find_models(StyleOptions(**options, config=folder)) == {
        "model": file,
        "settings": folder,
    }


@pytest.mark.parametrize(
    ("options", "family", "name"),
    [
        ({}, "sd15", "controlnet-lineart"),
        ({"lineart": "anime-denoise"}, "sd15", "controlnet-lineart-anime"),
        ({"lineart": "anime"}, "sdxl", "controlnet-union-sdxl"),
        ({"controlnet": "none"}, "sd15", None),
        ({"controlnet": "mine"}, "sdxl", "mine"),
    ],
)
def test_the_controlnet_that_fits(options: dict[str, Any], family: Any, name: str | None) -> None:
    assert controlnet_for(StyleOptions(prompt="ink", **options), family) == name
