from __future__ import annotations

import hashlib
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

from cartoonedit import hub
from cartoonedit.errors import Cancelled, InvalidInput, ModelNotFound

REPO = "dreMaz/AnimeInstanceSegmentation"
FILES = ("rtmdetl_e60.ckpt", "refine_last.ckpt")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hugging Face cache; nothing else is looked at."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return tmp_path


def put(cache: Path, repo: str, file: str, content: bytes, blob: str | None = None) -> Path:
    """Lay a file into the cache as huggingface_hub does: a link to a blob named by its digest."""
    top = cache / f"models--{repo.replace('/', '--')}"
    for folder in ("blobs", "refs", "snapshots/abc"):
        (top / folder).mkdir(parents=True, exist_ok=True)
    (top / "refs/main").write_text("abc")
    stored = top / "blobs" / (blob or hashlib.sha256(content).hexdigest())
    stored.write_bytes(content)
    link = top / "snapshots/abc" / file
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(stored)
    return link


@pytest.fixture
def downloads(cache: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replaces the download by one that makes a file, and lists what was asked for."""
    asked: list[str] = []

    def download(repo: str, file: str) -> str:
        asked.append(file)
        return str(put(cache, repo, file, file.encode()))

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    return asked


def test_the_catalogue() -> None:
    for name, weights in hub.CATALOGUE.items():
        assert weights.name == name and weights.files and weights.licence and weights.note
        assert weights.embedded == (weights.repo == "")
    assert {"embedded", "cartoonseg-l", "depth-anything-v2-small"} <= hub.CATALOGUE.keys()
    assert {"sd15-inpainting", "lama-anime-manga", "wd-swinv2-tagger-v3"} <= hub.CATALOGUE.keys()
    assert hub.CATALOGUE["cartoonseg-l"].repo == REPO


@pytest.mark.usefixtures("no_network")
def test_missing_weights_say_everything_in_one_sentence(cache: Path) -> None:
    with pytest.raises(ModelNotFound) as caught:
        hub.resolve("cartoonseg-l", "detector")
    for part in (REPO, FILES[0], str(cache), "cartoonedit models fetch cartoonseg-l"):
        assert part in str(caught.value)
    assert isinstance(caught.value, FileNotFoundError)


def test_cached_weights_are_found(cache: Path) -> None:
    link = put(cache, REPO, FILES[1], b"x")
    assert hub.resolve("cartoonseg-l", "refiner") == link
    assert not hub.is_here("cartoonseg-l")
    with pytest.raises(ModelNotFound, match=FILES[0]):
        hub.path("cartoonseg-l")
    put(cache, REPO, FILES[0], b"y")
    assert hub.path("cartoonseg-l") == link.parent and hub.is_here("cartoonseg-l")


def test_a_set_that_is_a_whole_folder(cache: Path) -> None:
    weights = hub.CATALOGUE["sd15-inpainting"]
    assert all(role == file.file for role, file in weights.files.items())
    assert any(file.endswith(".fp16.safetensors") for file in weights.files)
    for file in weights.files:
        put(cache, weights.repo, file, b"x")
    folder = hub.path("sd15-inpainting")
    assert (folder / "model_index.json").is_file() and (folder / "unet/config.json").is_file()
    assert hub.resolve("sd15-inpainting", "vae/config.json") == folder / "vae/config.json"


@pytest.mark.parametrize(
    ("name", "repo", "weights"),
    [
        ("sd15", "stable-diffusion-v1-5/stable-diffusion-v1-5", ["unet", "vae", "text_encoder"]),
        (
            "sdxl",
            "stabilityai/stable-diffusion-xl-base-1.0",
            ["unet", "vae", "text_encoder", "text_encoder_2"],
        ),
        ("controlnet-lineart", "lllyasviel/control_v11p_sd15_lineart", ["."]),
        ("controlnet-lineart-anime", "lllyasviel/control_v11p_sd15s2_lineart_anime", ["."]),
        ("controlnet-union-sdxl", "xinsir/controlnet-union-sdxl-1.0", ["."]),
        ("mistoline", "TheMistoAI/MistoLine", ["."]),
        ("ip-adapter-sd15", "h94/IP-Adapter", ["models", "models/image_encoder"]),
        ("ip-adapter-sdxl", "h94/IP-Adapter", ["sdxl_models", "models/image_encoder"]),
    ],
)
def test_networks_are_fetched_with_their_settings(
    downloads: list[str], name: str, repo: str, weights: list[str]
) -> None:
    """And as .safetensors, in half precision where there are such files."""
    assert hub.CATALOGUE[name].repo == repo
    folder = hub.fetch(name)
    fetched = [Path(file) for file in downloads if not file.endswith((".json", ".txt"))]
    assert {file.parent for file in fetched} == set(map(Path, weights))
    assert len(fetched) == len(weights) and {file.suffix for file in fetched} == {".safetensors"}
    for file in fetched:
        assert (folder / file).is_file()
        if not file.name.startswith("ip-adapter"):
            assert (folder / file.parent / "config.json").is_file()


def test_a_path_is_taken_wherever_a_name_is(tmp_path: Path) -> None:
    file = tmp_path / "own.safetensors"
    file.write_bytes(b"")
    assert hub.resolve(file) == file and hub.resolve(str(tmp_path)) == tmp_path


@pytest.mark.parametrize(
    ("name", "role", "error", "message"),
    [
        ("nonsense", None, InvalidInput, "The catalogue has: embedded, cartoonseg-l"),
        ("folder/none.ckpt", None, ModelNotFound, "no file or folder of weights at folder"),
        ("none.ckpt", None, ModelNotFound, "no file or folder of weights"),
        ("cartoonseg-l", None, InvalidInput, "name one role of: detector, refiner"),
        ("cartoonseg-l", "tagger", InvalidInput, "no file for 'tagger'"),
    ],
)
def test_wrong_names(name: str, role: str | None, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        hub.resolve(name, role)


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("owner/name", True), ("a/b", True), ("Owner-1/name_2.0-v3", True),
        ("name", False), ("a/b/c", False), ("./name", False), ("/a/b", False), ("a/", False),
        ("a/b--c", False), ("a..b/c", False), ("a/b.git", False), ("a/b-", False),
        ("a/" + "b" * 96, True), ("a/" + "b" * 97, False),
    ],
)  # fmt: skip
def test_names_of_repositories(name: str, fits: bool, cache: Path) -> None:
    assert hub.is_repository(name) is fits
    if fits:
        assert hub.cached_folder(name, "config.json") is None  # the hub's client takes the name


def test_fetch_downloads_what_is_missing(cache: Path, downloads: list[str]) -> None:
    put(cache, REPO, FILES[0], b"here")
    seen: list[tuple[int, int]] = []
    folder = hub.fetch("cartoonseg-l", lambda step, total, message: seen.append((step, total)))
    assert downloads == [FILES[1]] and seen == [(0, 2), (1, 2), (2, 2)]
    assert sorted(file.name for file in folder.iterdir()) == sorted(FILES)


def test_fetch_can_be_cancelled(downloads: list[str]) -> None:
    def stop(step: int, total: int, message: str) -> None:
        if step == 1:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        hub.fetch("cartoonseg-l", stop)
    assert downloads == [FILES[0]]


def test_a_failed_download_says_what_to_do(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(repo: str, file: str) -> str:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    with pytest.raises(ModelNotFound, match=r"no route to host.*HF_ENDPOINT"):
        hub.fetch("cartoonseg-l")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelNotFound, match="HF_HUB_OFFLINE is set"):
        hub.fetch("cartoonseg-l")


def test_verify(cache: Path) -> None:
    assert set(hub.verify("cartoonseg-l").values()) == {"missing"}
    good = put(cache, REPO, FILES[0], b"whole")
    small = b"a small file"
    sha1 = hashlib.sha1(b"blob %d\0" % len(small) + small).hexdigest()
    put(cache, REPO, FILES[1], small, blob=sha1)  # git's own digest
    assert hub.verify("cartoonseg-l") == dict.fromkeys(FILES, "ok")
    good.resolve().write_bytes(b"cut")
    assert hub.verify("cartoonseg-l")[FILES[0]].startswith("damaged: digest")


def test_verify_compares_with_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.bin").write_bytes(b"abc")
    right = hashlib.sha256(b"abc").hexdigest()
    cases = {
        "ok": hub.WeightsFile("a.bin", 3, right),
        "unknown": hub.WeightsFile("a.bin", 3),
        "damaged: 3 bytes instead of 4": hub.WeightsFile("a.bin", 4, right),
        f"damaged: digest {right} instead of {'0' * 64}": hub.WeightsFile("a.bin", 3, "0" * 64),
        "missing": hub.WeightsFile("b.bin"),
    }
    monkeypatch.setattr(hub, "_embedded_folder", lambda: tmp_path)
    for expected, file in cases.items():
        weights = hub.Weights("mine", "", {"all": file}, "MIT", "a test")
        monkeypatch.setitem(hub.CATALOGUE, "mine", weights)
        assert hub.verify("mine") == {file.file: expected}
        assert weights.size_bytes == file.size_bytes


def test_an_incomplete_installation_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "_embedded_folder", lambda: tmp_path)
    with pytest.raises(ModelNotFound, match="Install cartoonedit again"):
        hub.resolve("embedded", "detector")
    with pytest.raises(ModelNotFound, match="not complete"):
        hub.fetch("embedded")
