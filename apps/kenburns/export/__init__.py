"""The layers of a 3D Ken Burns clip for other programs: glTF, PSD, OpenRaster, After Effects.

What the clip is rendered from goes out with its depth: the plate, and each character complete where
others hide it. A 3D program can film it with a camera of its own; a paint program can mend it.

Example:
    >>> from apps.kenburns import KenBurns
    >>> camera = KenBurns(move="orbit").prepare(scene).pose
    >>> export_layers(scene, "scene.glb", camera=camera)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from apps.kenburns.export.after_effects import save_folder
from apps.kenburns.export.gltf import save_gltf
from apps.kenburns.export.parts import Parts, take_apart
from apps.kenburns.export.sheets import save_ora, save_psd
from cartoonedit.errors import CartooneditError, InvalidInput
from cartoonedit.runtime import Progress, silent

if TYPE_CHECKING:
    from apps.kenburns.camera import Pose
    from cartoonedit.scene import Scene

__all__ = [
    "FORMATS",
    "Parts",
    "export_layers",
    "save_folder",
    "save_gltf",
    "save_ora",
    "save_psd",
    "take_apart",
]

FORMATS: dict[str, Callable[[Parts, Path], Path]] = {
    ".glb": save_gltf,
    ".gltf": save_gltf,
    ".psd": save_psd,
    ".ora": save_ora,
    "": save_folder,
}
"""What writes each ending; no ending is a folder for After Effects."""


def export_layers(
    scene: Scene,
    out_path: str | Path,
    *,
    pool: str = "mean",
    seed: int = 0,
    camera: Callable[[float], Pose] | None = None,
    fps: float = 30.0,
    duration: float = 4.0,
    loop: str = "once",
    outlines: bool = True,
    progress: Progress | None = None,
) -> Path:
    """Write the layers of a clip in the format of the ending.

    Args:
        scene: What to export, at the size of its picture.
        out_path: ``.glb`` or ``.gltf`` (Blender, Unreal, any 3D program), ``.psd`` (Photoshop, Clip
            Studio), ``.ora`` (Krita, GIMP), or a name without an ending: a folder of PNG files with
            a script that builds the composition in After Effects.
        pool: How a character gets its depth: ``mean``, ``median``, ``base``, or ``none`` to keep
            the depth at every pixel.
        seed: Same seed, same bytes.
        camera: The move, ``camera(t) -> Pose`` for t in 0..1; see each format for what it keeps of
            it. Layered pictures (``.psd``, ``.ora``) hold none.
        fps: Frames per second, 1 to 120.
        duration: Seconds.
        loop: How the clip ends, see :data:`apps.kenburns.timing.LOOPS`.
        outlines: Let the edges of masks follow the drawing.
        progress: Called before and after each step; may raise to stop, and then nothing is written.

    Returns:
        ``out_path``.

    Raises:
        InvalidInput: The ending is unknown, an option is out of its range, or a folder stands where
            a file is to be written, or the other way round.
        CartooneditError: The place cannot be written to.
    """
    path, report = Path(out_path), progress or silent
    save = _writer(path)
    report(0, 2, "taking the scene apart")
    parts = take_apart(
        scene,
        pool=pool,
        seed=seed,
        camera=camera,
        fps=fps,
        duration=duration,
        loop=loop,
        outlines=outlines,
    )
    report(1, 2, f"writing {path.name}")
    try:
        save(parts, path)
    except OSError as error:
        raise CartooneditError(
            f"cannot write {path}: {error.strerror or error}. Choose another place, or make room."
        ) from error
    report(2, 2, f"wrote {path.name}")
    return path


def _writer(path: Path) -> Callable[[Parts, Path], Path]:
    ending = path.suffix.lower()
    if ending not in FORMATS and path.is_dir():  # a folder with a dot in its name
        ending = ""
    if ending not in FORMATS:
        known = ", ".join(name for name in FORMATS if name)
        raise InvalidInput(
            f"cannot export layers as {path.name!r}: the ending must be one of {known}, or none for"
            f" a folder that After Effects can import; got {path.suffix!r}."
        )
    return FORMATS[ending]
