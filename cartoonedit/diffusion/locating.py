"""Where a model is on this machine: the local cache, a folder, or a file. Nothing is downloaded."""

from __future__ import annotations

from pathlib import Path

from cartoonedit import hub
from cartoonedit.errors import InvalidInput, ModelNotFound

__all__ = ["cached", "locate", "locate_file", "missing", "refuse_pickles_in"]

_PICKLES = {".ckpt", ".pt", ".pth", ".bin", ".pkl"}


def locate(model: str, index: str) -> Path:
    """The folder or file of a model.

    Args:
        model: A name of the catalogue, a hub repository in the cache, a folder, or a file.
        index: The file that a folder of this kind of model has, such as ``model_index.json``.

    Raises:
        ModelNotFound: It is not on this machine.
        InvalidInput: It is a pickle, or a file of another kind.
    """
    if model in hub.CATALOGUE:
        return cached(hub.CATALOGUE[model].repo, index)
    path = Path(model).expanduser()
    _refuse_other_files(path)
    if path.exists():
        return path
    if hub.is_repository(model) and path.suffix != ".safetensors":
        return cached(model, index)
    raise ModelNotFound(
        f"there is no model at {path}. Give a folder in diffusers' form, a .safetensors"
        " file, or a hub repository such as stable-diffusion-v1-5/stable-diffusion-inpainting."
    )


def locate_file(name: str) -> Path:
    """A ``.safetensors`` file: a path, ``owner/name/file`` in the cache, or its only one.

    Raises:
        ModelNotFound: It is not on this machine.
        InvalidInput: It is a pickle, a file of another kind, or a repository with several such
            files.
    """
    path = Path(name).expanduser()
    _refuse_other_files(path)
    if path.is_file():
        return path.absolute()  # a link stays one: what it points to in a cache has no ending
    parts = name.split("/")
    repo, rest = "/".join(parts[:2]), "/".join(parts[2:])
    if not hub.is_repository(repo) or path.exists() or (not rest and path.suffix == ".safetensors"):
        raise ModelNotFound(
            f"there is no file {path}. Give a .safetensors file, or owner/name/file.safetensors of"
            " a hub repository that was fetched."
        )
    return _in_repository(repo, rest)


def _in_repository(repo: str, file: str) -> Path:
    snapshot = _snapshot(repo)
    files = sorted(snapshot.glob("*.safetensors")) if snapshot and not file else []
    if snapshot and (snapshot / file).is_file():
        files = [snapshot / file]
    if not files:
        raise ModelNotFound(missing(repo, file or "a .safetensors file"))
    if len(files) > 1:
        names = ", ".join(each.name for each in files)
        raise InvalidInput(f"{repo} has several files: {names}. Name one as {repo}/FILE.")
    return files[0]


def _snapshot(repo: str) -> Path | None:
    """A repository in the cache as it was when it was last fetched."""
    from huggingface_hub import constants

    top = Path(constants.HF_HUB_CACHE) / f"models--{repo.replace('/', '--')}"
    main = top / "refs" / "main"
    if main.is_file():
        return top / "snapshots" / main.read_text(encoding="utf-8").strip()
    # Others were fetched by the name of a revision; their names are hashes, so their age tells.
    return max(top.glob("snapshots/*/"), key=lambda each: each.stat().st_mtime, default=None)


def cached(repo: str, index: str) -> Path:
    """The folder in the cache that holds the newest ``index`` of a repository.

    Raises:
        ModelNotFound: It is not there.
    """
    folder = hub.cached_folder(repo, index)
    if folder is None:
        raise ModelNotFound(missing(repo, index))
    return folder


def missing(repo: str, what: str) -> str:
    """What to tell a person who lacks a model."""
    from huggingface_hub import constants

    known = [weights for weights in hub.CATALOGUE.values() if weights.repo == repo]
    whole = max(known, key=lambda weights: len(weights.files), default=None)  # not just settings
    command = f"cartoonedit models fetch {whole.name}" if whole else f"hf download {repo}"
    return (
        f"the model {repo} is not on this machine: {what} is not in"
        f" {constants.HF_HUB_CACHE}. Fetch it with: {command}. Or give a folder or .safetensors"
        " file that you have."
    )


def _refuse_other_files(path: Path) -> None:
    if path.suffix.lower() in _PICKLES:
        raise InvalidInput(
            f"{path} is a pickle, which can run any code when it is opened, so it is refused."
            " Take the .safetensors file of the same model, or convert it."
        )
    if path.is_file() and path.suffix != ".safetensors":
        raise InvalidInput(f"{path} is no .safetensors file.")


def refuse_pickles_in(*folders: Path) -> None:
    """Raise :class:`InvalidInput` if the weights in a folder are nothing but pickles."""
    for folder in folders:
        pickles = sorted(file for file in folder.glob("*") if file.suffix in _PICKLES)
        if pickles and not any(folder.glob("*.safetensors")):
            raise InvalidInput(
                f"{folder} lacks .safetensors files and has pickles such as"
                f" {pickles[0].name}, which can run any code when they are opened, so"
                " they are refused. Take the .safetensors files of the same model."
            )
