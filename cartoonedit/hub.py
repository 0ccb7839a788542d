"""Weights: finding those of the catalogue on this machine, and getting them.

Weights of the Hugging Face hub live in its own cache, so ``HF_HOME``, ``HF_HUB_CACHE``,
``HF_HUB_OFFLINE``, ``HF_ENDPOINT`` and ``HF_TOKEN`` work as everywhere. Nothing is ever downloaded
but by :func:`fetch`. Wherever a name is taken, so is the path of a file or folder.
"""

from __future__ import annotations

import hashlib
import logging
import re
from importlib import resources
from pathlib import Path

from cartoonedit.catalogue import CATALOGUE, Weights, WeightsFile
from cartoonedit.errors import InvalidInput, ModelNotFound
from cartoonedit.files import sha256
from cartoonedit.runtime import Progress, silent

__all__ = [
    "CATALOGUE",
    "Weights",
    "WeightsFile",
    "cached_folder",
    "fetch",
    "is_here",
    "is_repository",
    "path",
    "resolve",
    "verify",
]

logger = logging.getLogger(__name__)


def resolve(name_or_path: str | Path, role: str | None = None) -> Path:
    """Find a file of weights on this machine, without any network access.

    Args:
        name_or_path: A name of the catalogue, or a file or folder. A name wins over a file of the
            same name in the current folder; write ``./name`` for that one.
        role: Which file of a named set; needed where it has several.

    Returns:
        A file that exists. For a path, that path.

    Raises:
        ModelNotFound: It is not on this machine; the text says what, where it was looked for and
            what to do.
        InvalidInput: The name or role is unknown, or a role is needed.
    """
    weights = CATALOGUE.get(str(name_or_path))
    if weights is None:
        return _local(Path(name_or_path).expanduser())
    if role is None and len(weights.files) > 1:
        raise InvalidInput(
            f"{weights.name} has several files; name one role of: {', '.join(weights.files)}."
        )
    role = role or next(iter(weights.files))
    if role not in weights.files:
        raise InvalidInput(
            f"{weights.name} has no file for {role!r}. Roles: {', '.join(weights.files)}."
        )
    found = _find(weights, weights.files[role])
    if found is None:
        raise ModelNotFound(_not_here(weights, weights.files[role]))
    return found


def path(name: str) -> Path:
    """The folder on this machine that holds the files of ``name``.

    Raises:
        ModelNotFound: One of them is missing.
        InvalidInput: The name is unknown.
    """
    weights = _entry(name)
    found = {file.file: resolve(name, role) for role, file in weights.files.items()}
    file, first = next(iter(found.items()))
    return first.parents[file.count("/")]


def is_repository(name: str) -> bool:
    """Whether ``name`` has the form of a repository on the hub, ``owner/name``."""
    part = r"[A-Za-z0-9](?:[\w.-]{0,94}\w)?"
    return bool(re.fullmatch(f"{part}/{part}", name)) and not re.search(r"--|\.\.|\.git$", name)


def cached_folder(repo: str, *manifests: str) -> Path | None:
    """The folder of a repository ``owner/name`` in the Hugging Face cache, without any network.

    Args:
        repo: Which; it need not be in the catalogue.
        manifests: Files of which one must be there.

    Returns:
        The newest snapshot; None if it was never fetched.
    """
    from huggingface_hub import constants, try_to_load_from_cache

    for manifest in manifests:
        found = try_to_load_from_cache(repo, manifest, cache_dir=constants.HF_HUB_CACHE)
        if isinstance(found, str):
            return Path(found).parent
    return None


def is_here(name: str) -> bool:
    """Whether all files of ``name`` are on this machine; their content is not read.

    Raises:
        InvalidInput: The name is unknown.
    """
    weights = _entry(name)
    return all(_find(weights, file) is not None for file in weights.files.values())


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Download the weights ``name`` into the Hugging Face cache, unless they are there.

    Args:
        name: Of the catalogue.
        progress: Called before the first and after each file.

    Returns:
        The folder that holds them.

    Raises:
        ModelNotFound: The download failed, or is forbidden by ``HF_HUB_OFFLINE``.
        InvalidInput: The name is unknown.
        Cancelled: ``progress`` stopped it.
    """
    weights = _entry(name)
    shown = progress or silent
    for step, file in enumerate(weights.files.values()):
        shown(step, len(weights.files), f"{name}: {file.file}")
        if _find(weights, file) is None:
            _download(weights, file)
    shown(len(weights.files), len(weights.files), f"{name}: done")
    return path(name)


def verify(name: str) -> dict[str, str]:
    """Compare the files of ``name`` with what is known about them.

    The digest is that of the catalogue, or else the one that the Hugging Face cache names its file
    by.

    Returns:
        For each file: ``ok``, ``unknown`` (there, but no digest to compare with), ``missing``, or
        ``damaged: ...`` with the reason.

    Raises:
        InvalidInput: The name is unknown.
    """
    weights = _entry(name)
    return {file.file: _check(_find(weights, file), file) for file in weights.files.values()}


def _entry(name: str) -> Weights:
    if name not in CATALOGUE:
        raise InvalidInput(
            f"there are no weights called {name!r}. The catalogue has: {', '.join(CATALOGUE)}."
        )
    return CATALOGUE[name]


def _local(path: Path) -> Path:
    if path.exists():
        return path
    if len(path.parts) > 1 or path.suffix:
        raise ModelNotFound(f"there is no file or folder of weights at {path}. Check the path.")
    raise InvalidInput(
        f"there are no weights called {str(path)!r}. The catalogue has: {', '.join(CATALOGUE)}."
        " The path of a file or folder is accepted, too."
    )


def _find(weights: Weights, file: WeightsFile) -> Path | None:
    if weights.embedded:
        found = _embedded_folder() / file.file
        return found if found.is_file() else None
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(weights.repo, file.file)
    return Path(cached) if isinstance(cached, str) and Path(cached).is_file() else None


def _embedded_folder() -> Path:
    # Only the folder of that package is asked for; what is in it stays unknown to this floor.
    return Path(str(resources.files("segmentation"))) / "weights"


def _not_here(weights: Weights, file: WeightsFile) -> str:
    if weights.embedded:
        return (
            f"{file.file} is missing from {_embedded_folder()}, so this installation is not"
            " complete. Install cartoonedit again, or give the path of other weights."
        )
    from huggingface_hub import constants

    return (
        f"the weights {weights.name!r} are not on this machine: {file.file} of {weights.repo} is"
        f" not in {constants.HF_HUB_CACHE}. Fetch them with: cartoonedit models fetch"
        f" {weights.name}."
        " Or give the path of a file that you have."
    )


def _download(weights: Weights, file: WeightsFile) -> None:
    if weights.embedded:
        raise ModelNotFound(_not_here(weights, file))
    import huggingface_hub
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise ModelNotFound(
            f"{_not_here(weights, file)} HF_HUB_OFFLINE is set; unset it to download."
        )
    logger.info("fetching %s of %s (%s)", file.file, weights.repo, weights.licence)
    try:
        huggingface_hub.hf_hub_download(weights.repo, file.file)
    except Exception as error:  # its kinds differ between versions and HTTP libraries
        raise ModelNotFound(
            f"{file.file} of {weights.repo} could not be fetched: {error} Check the connection,"
            " choose a mirror with HF_ENDPOINT, or download the file elsewhere and give its path."
        ) from error


def _check(found: Path | None, file: WeightsFile) -> str:
    if found is None:
        return "missing"
    size = found.stat().st_size
    if file.size_bytes is not None and size != file.size_bytes:
        return f"damaged: {size} bytes instead of {file.size_bytes}"
    # The cache names what it holds by its SHA-256, or, if it is small, by git's SHA-1.
    named_by = found.resolve().name
    expected = file.sha256 or (named_by if _is_digest(named_by) else None)
    if expected is None:
        return "unknown"
    actual = sha256(found) if len(expected) == 64 else _git_sha1(found)
    return "ok" if actual == expected else f"damaged: digest {actual} instead of {expected}"


def _is_digest(text: str) -> bool:
    return len(text) in (40, 64) and set(text) <= set("0123456789abcdef")


def _git_sha1(path: Path) -> str:
    content = path.read_bytes()
    header = b"blob %d\0" % len(content)
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()
