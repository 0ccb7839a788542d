"""Writing the frames of a film as a clip."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from apps.puppet.film import Film
from apps.puppet.workers import drawn_together
from cartoonedit.runtime import Progress, silent
from cartoonedit.video import VideoWriter

__all__ = ["write_film"]


def write_film(film: Film, out_path: str | Path, progress: Progress = silent) -> Path:
    """Write a clip; its ending chooses the kind, see :class:`cartoonedit.video.VideoWriter`.

    Returns:
        ``out_path``.

    Raises:
        InvalidInput: The ending is unknown, or cannot hold transparency or frames of that size.
        CartooneditError: The clip could not be written.
    """
    writer = VideoWriter(
        out_path, film.size_wh, film.fps, alpha=film.transparent, preset=film.preset
    )
    with writer, closing(drawn_together(film)) as frames:
        for index, frame in enumerate(frames, 1):
            writer.write(frame)
            progress(index, len(film), "rendering")
    return Path(out_path)
