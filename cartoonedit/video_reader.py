"""Reading clips frame by frame: files of any kind that ffmpeg knows, and folders of pictures.

Frames come from ffmpeg through a pipe, so that memory does not grow with the length. They are as a
player shows them: upright, with square pixels, at a constant rate, which repeats or leaves out
frames where a file's own rate changes.
"""

from __future__ import annotations

import logging
import re
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import CartooneditError, InvalidInput
from cartoonedit.files import expand_pictures
from cartoonedit.images import open_image

__all__ = ["CLIP_SUFFIXES", "VideoReader", "is_animated"]

logger = logging.getLogger(__name__)

_HOW = (
    # What is wrong with a clip is found by the level of each line.
    "-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+info",
    "-protocol_whitelist", "file",  # a playlist shall not reach into the network
    "-max_error_rate", "1",
)  # fmt: skip
_PIXELS = (
    "-vf", "scale=round(iw*sar):ih,setsar=1",
    # Each frame with a header that says its size.
    "-pix_fmt", "rgb24", "-c:v", "ppm", "-f", "image2pipe", "-",
)  # fmt: skip
_RATE = re.compile(r"Video: ppm.*?, (\d+(?:\.\d+)?)(k?) fps")  # 1k for round thousands
_COMPLAINT = re.compile(r"\[(?:error|fatal)\] (.*)")


CLIP_SUFFIXES = frozenset(
    {".mp4", ".webm", ".mov", ".mkv", ".avi", ".m4v", ".mpg", ".mpeg", ".ogv"}
)
"""Endings of clips. A .gif, .apng, .webp or .avif with many frames is one, too."""

_ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")  # the pages of a TIFF are no frames


def is_animated(path: Path) -> bool:
    """Whether a picture file has frames; not so of what cannot be read."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return getattr(image, "n_frames", 1) > 1 and image.format in _ANIMATED
    except Exception:  # decoders raise nearly anything; who opens it will say what is wrong
        return False


class VideoReader:
    """A clip that can be read as often as wanted, each time from its start.

    Example:
        >>> clip = VideoReader("clip.mp4")
        >>> for frame in clip:
        ...     show(frame)

    Transparency and sound are left out. Of a damaged file, what can be read is read, and what is
    wrong with it is logged.

    Attributes:
        path: The file, or the folder of pictures, which come by their names.
        size_wh: Width and height of all frames in pixels.
        fps: Frames per second; None for a folder.

    Raises:
        InvalidInput: There is no such file, it is no video, no frame of it can be read, or the
            folder holds no picture.
        CartooneditError: ffmpeg cannot be started.
    """

    def __init__(self, path: str | Path) -> None:
        """Open the clip and look at its first frame."""
        self.path = Path(path).expanduser()
        self.fps: float | None = None
        self._told = False
        self._stream = 0
        if self.path.is_dir():
            self._files = expand_pictures([self.path])
            first = open_image(self._files[0])
        elif not self.path.is_file():
            raise InvalidInput(f"there is no file {str(self.path)!r}. Give a clip or a folder.")
        else:
            first = self._look()
        self.size_wh = first.shape[1], first.shape[0]

    @cached_property
    def frame_count(self) -> int:
        """How many frames there are. A file is decoded once to find out, since many do not say."""
        return len(self._files) if self.fps is None else sum(1 for _ in self)

    def __iter__(self) -> Generator[NDArray[np.uint8]]:
        """The frames in order, RGB ``uint8`` ``(H, W, 3)``. Close it where not all are read.

        Raises:
            InvalidInput: A frame has another size than the first one, or cannot be read.
            CartooneditError: ffmpeg failed.
        """
        for number, frame in enumerate(self._pictures() if self.fps is None else self._decoded()):
            width, height = self.size_wh
            if frame.shape[:2] != (height, width):
                raise InvalidInput(
                    f"all frames of a clip must have one size; in {self.path} the first one is"
                    f" {width}x{height} and frame {number} {frame.shape[1]}x{frame.shape[0]}."
                )
            yield frame

    def _look(self) -> NDArray[np.uint8]:
        """The first frame. It settles which stream is read, and its rate."""
        with closing(_Decoder(self.path)) as decoder:
            first = decoder.read()
            if first is None:
                raise InvalidInput(
                    f"{self.path} is no video that can be read: {decoder.why_nothing()}. Give a"
                    " clip such as an mp4, mov, webm or gif, or a folder of pictures."
                )
            self.fps = decoder.fps()
            if decoder.read() is not None:
                return first
        # In an animated AVIF a still picture comes before, and may have a second one for its alpha.
        for stream in (1, 2):
            with closing(_Decoder(self.path, stream)) as decoder:
                moving = decoder.read()
                if moving is not None and decoder.read() is not None:
                    self._stream, self.fps = stream, decoder.fps()
                    return moving
        return first

    def _pictures(self) -> Iterator[NDArray[np.uint8]]:
        return map(open_image, self._files)

    def _decoded(self) -> Iterator[NDArray[np.uint8]]:
        decoder = _Decoder(self.path, self._stream)
        try:
            while (frame := decoder.read()) is not None:
                yield frame
            complaints = decoder.finish()
        finally:
            decoder.close()
        if complaints and not self._told:
            logger.warning(
                "%s is damaged; what can be read of it is used: %s", self.path, complaints[0]
            )
            self._told = True


class _Decoder:
    """One run of ffmpeg, which writes frames as PPM pictures to a pipe."""

    def __init__(self, path: Path, stream: int = 0) -> None:
        from moviepy.config import FFMPEG_BINARY

        # A cover of an album is no video (V).
        source = ("-i", f"file:{path.absolute()}", "-map", f"0:V:{stream}")
        # A file, not a pipe: nobody reads it before the end, and a full pipe would block ffmpeg.
        self._log: IO[str] = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                [FFMPEG_BINARY, *_HOW, *source, *_PIXELS],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._log,
                start_new_session=True,  # Ctrl-C is for us: a clip must not seem to end there
            )
        except OSError as error:
            self._log.close()
            raise CartooneditError(f"ffmpeg cannot be started: {error}.") from error

    def read(self) -> NDArray[np.uint8] | None:
        """The next frame, or None after the last."""
        pipe = self._pipe
        if not pipe.readline():  # P6
            return None
        width, height = map(int, pipe.readline().split())
        pipe.readline()  # the largest value
        frame = np.empty((height, width, 3), np.uint8)
        whole = pipe.readinto(frame.data.cast("B")) == frame.nbytes  # type: ignore[attr-defined]
        return frame if whole else None

    def fps(self) -> float:
        """Frames per second, to hundredths; known when a frame was read."""
        found = _RATE.search(self._said())
        if found is None:
            raise CartooneditError("ffmpeg does not say how many frames a second it gives.")
        return float(found[1]) * (1000 if found[2] else 1)

    def finish(self) -> list[str]:
        """Wait for the end, and return what ffmpeg complained about.

        Raises:
            CartooneditError: It failed.
        """
        status, complaints = self._process.wait(), _COMPLAINT.findall(self._said())
        if status != 0:
            said = "; ".join(complaints[-2:]) or "it gave no reason"
            raise CartooneditError(f"ffmpeg failed with exit status {status}: {said}.")
        return complaints

    def why_nothing(self) -> str:
        """Why not even one frame came."""
        self._process.wait()
        complaints = _COMPLAINT.findall(self._said())
        if any("matches no streams" in complaint for complaint in complaints):
            return "there is no moving picture in it"
        return f"it is damaged ({complaints[0]})" if complaints else "it holds no frame"

    def close(self) -> None:
        """Stop ffmpeg, if it still runs."""
        self._process.kill()
        self._process.wait()
        self._pipe.close()
        self._log.close()

    @property
    def _pipe(self) -> IO[bytes]:
        assert self._process.stdout is not None  # it was asked for
        return self._process.stdout

    def _said(self) -> str:
        self._log.seek(0)
        return self._log.read()
