from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apps.style import PartOptions, Styled
from apps.style.recipe import Recipe, read_recipe, remember, remembered, write_recipe
from apps.style.sheets import before_after
from cartoonedit.errors import InvalidInput
from cartoonedit.scene import Scene


def write(folder: Path, text: str) -> Path:
    file = folder / "style.yaml"
    file.write_text(text)
    return file


def test_what_a_person_says(tmp_path: Path) -> None:
    (tmp_path / "knight.safetensors").touch()
    recipe = read_recipe(
        write(
            tmp_path,
            """
            preset: watercolour
            strength: 0.5
            lora: ["knight.safetensors:0.5", "owner/name"]
            parts:
              character-1:
                {prompt: red scarf, seed: 3, lora: [knight.safetensors], reference: a.png}
              character-2: {skip: true}
              background: {strength: 0.4, tags: [forest, night]}
              character-3:
            """,
        )
    )
    knight = tmp_path / "knight.safetensors"
    assert recipe.options == {
        "preset": "watercolour", "strength": 0.5, "lora": [f"{knight}:0.5", "owner/name"],
    }  # fmt: skip
    assert recipe.parts == {
        "character-1": PartOptions(
            prompt="red scarf", seed=3, lora=[f"{knight}:1"], reference=tmp_path / "a.png"
        ),
        "character-2": PartOptions(skip=True),
        "background": PartOptions(strength=0.4, tags=["forest", "night"]),
        "character-3": PartOptions(),
    }


@pytest.mark.parametrize("text", ["", "{}", "parts:", "parts: {}", "prompt:", "strength: ~"])
def test_nothing_said(tmp_path: Path, text: str) -> None:
    assert read_recipe(write(tmp_path, text)) == Recipe()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "must be names and values"),
        ("colour: red", "has no colour. There are: prompt, preset"),
        ("parts: [a]", "must be names and values"),
        ("parts: {a: {colour: red}}", "has no colour. There are: prompt, tags"),
        ("parts: {a: {strength: 2}}", "strength must be"),
        ("parts: {a: {seed: 1.5}}", "seed must be"),
        ("parts: {a: {prompt: 3}}", "prompt must be text"),
        ("parts: {a: {skip: 3}}", "skip must be true or false"),
        ("parts: {a: {tags: hat}}", "tags must be a list"),
        ("parts: {a: {lora: hat}}", "lora must be a list"),
        ("parts: {a: {reference: [1]}}", "reference must be the path of a file"),
        ("parts: {a: 0}", "must be names and values"),
        ("parts: 0", "must be names and values"),
        ("prompt: 3", "prompt must be text"),
        ("prompt: no", "prompt must be text, in quotes"),
        ("preset: [1]", "preset must be text"),
        ("scheduler: 3", "scheduler must be text"),
        ("mode: 3", "mode must be text"),
        ("lora: knight.safetensors", "lora must be a list"),
        ("only: character-1", "only must be a list"),
        ("only: [1]", "only must be a list"),
        ("global_only: 3", "global_only must be true or false"),
        ("strength: high", "strength must be a number"),
        ("steps: 2.5", "steps must be a whole number"),
        ("steps: true", "steps must be a whole number"),
        ("config: [1]", "config must be the path"),
        ("a: [", "not valid YAML"),
        ("a: !!python/object:os.system {}", "not valid YAML"),
        ("lora: [knight.safetensors:11]", r"style\.yaml: a LoRA is written"),
        ("lora: [~nosuchuser/x]", r"style\.yaml: '~nosuchuser/x' cannot be used as a path"),
        ("model: ~nosuchuser/x", "cannot be used as a path"),
        ("config: ~nosuchuser/x", "cannot be used as a path"),
        ("parts: {a: {reference: ~nosuchuser/x}}", r"style\.yaml: a: .* cannot be used as a path"),
        (f"lora: [{'x' * 5000}]", "'xxx.*' cannot be used as a path: File name too long"),
        (f"parts: {{a: {{reference: {'x' * 5000}}}}}", "used as a path: File name too long"),
        (f"tagger: {'x' * 5000}", "cannot be used as a path: File name too long"),
        ('model: "a\\0"', "cannot be used as a path: .*null"),
        ("a: !!timestamp x", "not valid YAML"),
        ("#" * 200_001, "larger than 200 kB"),
        (f"seed: [0x{'f' * 6000}]", "seed must be a whole number"),
        (f"parts: {{a: {{seed: 0x{'f' * 6000}}}}}", "seed must be a whole number from 0"),
        (f"parts: {{{'a' * 900}: {{skip: 1}}}}", "skip must be true"),
    ],
)
def test_what_is_no_recipe(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as told:
        read_recipe(write(tmp_path, text))
    assert len(str(told.value)) < 1000


def test_names_that_multiply_are_refused_at_once(tmp_path: Path) -> None:
    lines = ["parts:", "  a:", "    tags: [&a0 [hat, hat, hat]"]
    lines += [f"    , &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    with pytest.raises(InvalidInput, match="tags must be a list of texts") as told:
        read_recipe(write(tmp_path, "\n".join([*lines, "    ]"])))
    assert len(str(told.value)) < 1000


def test_a_long_prompt(tmp_path: Path) -> None:
    prompt = "word " * 1000
    assert read_recipe(write(tmp_path, f"prompt: {prompt}")).options == {"prompt": prompt.strip()}


def test_what_is_written_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("knight.safetensors").touch()
    recipe = Recipe(
        {"prompt": "no", "lora": ["knight.safetensors:0.5"], "config": Path("config"), "seed": 3},
        {
            "character-1": PartOptions(prompt="紅", reference=Path("a.png")),
            "background": PartOptions(),
        },
    )
    file = write_recipe(tmp_path / "sub" / "style.yaml", recipe)
    again = read_recipe(file)
    assert again.options == recipe.options | {
        "lora": [f"{tmp_path / 'knight.safetensors'}:0.5"], "config": tmp_path / "config",
    }  # fmt: skip
    assert again.parts == {
        "character-1": PartOptions(prompt="紅", reference=tmp_path / "a.png"),
        "background": PartOptions(),
    }


NAMED = {
    "model": "mine.safetensors",
    "controlnet": "lines",
    "reference_adapter": "adapter.safetensors",
    "tagger": "tagger",
}


def test_models_beside_a_recipe(tmp_path: Path) -> None:
    for name in NAMED.values():
        (tmp_path / name).mkdir()
    text = "\n".join(f"{key}: {name}" for key, name in NAMED.items())
    there = {key: str(tmp_path / name) for key, name in NAMED.items()}
    assert read_recipe(write(tmp_path, text)).options == there
    (tmp_path / "sub").mkdir()
    assert read_recipe(write(tmp_path / "sub", text)).options == NAMED


@pytest.mark.parametrize("name", ["sd15", "none", "", "owner/name"])
def test_names_are_no_files_beside_a_recipe(tmp_path: Path, name: str) -> None:
    (tmp_path / "sd15").mkdir()
    (tmp_path / "none").mkdir()
    assert read_recipe(write(tmp_path, f"model: '{name}'")).options == {"model": name}


def test_models_are_found_from_a_recipe_elsewhere(
    tiny_scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in NAMED.values():
        Path(name).mkdir()
    there = {key: str(tmp_path / name) for key, name in NAMED.items()}
    file = write_recipe(tmp_path / "sub" / "style.yaml", Recipe(NAMED))
    scene = remember(tiny_scene, Recipe(NAMED))
    monkeypatch.chdir(tmp_path / "sub")
    assert read_recipe(file) == remembered(scene) == Recipe(there)


def test_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    recipe = Recipe({}, {"character-1": PartOptions(reference=Path("~/a.png"))})
    again = read_recipe(write_recipe(tmp_path / "sub" / "style.yaml", recipe))
    assert again.parts["character-1"].reference == tmp_path / "a.png"


def test_a_scene_remembers(tiny_scene: Scene, tmp_path: Path) -> None:
    parts = {
        "character-1": PartOptions(prompt="red scarf", strength=0.5, reference=tmp_path / "a.png"),
        "background": PartOptions(skip=True),
    }
    remember(tiny_scene, Recipe({"prompt": "ink"}, parts)).save(tmp_path / "scene")
    assert remembered(Scene.load(tmp_path / "scene")) == Recipe({"prompt": "ink"}, parts)
    assert remembered(tiny_scene) == Recipe()
    with pytest.raises(InvalidInput, match="style"):
        remembered(tiny_scene.replace(meta={"style": 3}))


def test_zeros_and_no_negative_are_said_too(tiny_scene: Scene, tmp_path: Path) -> None:
    zeros: dict[str, Any] = {"seed": 0, "control": 0.0, "guidance": 0.0, "negative": "", "lora": []}
    recipe = Recipe(zeros, {"character-1": PartOptions(**zeros, tags=[])})
    assert remembered(remember(tiny_scene, recipe)) == recipe
    assert read_recipe(write_recipe(tmp_path / "style.yaml", recipe)) == recipe


@pytest.mark.parametrize(("size", "shape"), [((40, 50), (40, 102)), ((20, 50), (42, 50))])
def test_before_and_after(size: tuple[int, int], shape: tuple[int, int]) -> None:
    picture = np.full((*size, 3), 9, np.uint8)
    made: Any = Styled(picture + 1, Scene(picture), (), {}, picture[..., 0])
    sheet = before_after(made)
    assert sheet.shape == (*shape, 3)
    assert (sheet[0, 0] == 9).all()
    assert (sheet[-1, -1] == 10).all()
