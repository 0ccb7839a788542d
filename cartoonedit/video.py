"""Writing clips frame by frame, in the kind of file that the name's ending says.

Frames go to ffmpeg through a pipe, by moviepy's writer but for the quickest presets, so that memory
does not grow with the length and encoding runs beside rendering. The file appears under its name
only when it is complete.
"""

from __future__ import annotations

import logging
import re
import subprocess
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

from cartoonedit.errors import CartooneditError, InvalidInput
from cartoonedit.files import atomic_folder, atomic_path
from cartoonedit.images import save_image
from cartoonedit.runtime import cpu_count
from cartoonedit.yuv import Yuv420

__all__ = ["FORMATS", "QUALITIES", "Format", "VideoWriter"]

logger = logging.getLogger(__name__)

PIPE_BYTES = 1 << 20
"""Room between this process and ffmpeg, where the system can choose; Linux allows that much."""

_QUICKEST = ("ultrafast", "superfast")
"""Presets so quick that turning RGB into YUV, and even importing moviepy, takes longer."""

QUALITIES = {"high": 0, "medium": 5, "small": 11}
"""Added to the constant rate factor of mp4 and webm; the other kinds have one quality."""

# What it says after a failure shall be why.
_QUIET = ("-hide_banner", "-loglevel", "error")
# RGB becomes BT.709, and the file says so: else players guess by the size, and colours shift.
_SAY_BT709 = "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"
_BT709 = "scale=out_color_matrix=bt709:out_range=tv,format={}," + _SAY_BT709
# One palette per frame, made as the frames pass by, and an ordered dither, which does not crawl.
_PALETTE = (
    "split[a][b];[a]palettegen=stats_mode=single:reserve_transparent={}[p];"
    "[b][p]paletteuse=new=1:dither=bayer:bayer_scale=4"
)


@dataclass(frozen=True)
class Format:
    """How ffmpeg writes one kind of file.

    Attributes:
        codec: Name of the encoder.
        filters: Filter chain, ``{}`` standing for the pixel format.
        opaque: What to put in there for RGB frames.
        clear: The same for RGBA frames; None if the format cannot hold transparency.
        options: Further options of ffmpeg, ``{crf}`` standing for the constant rate factor.
        crf: Constant rate factor at high quality.
        even: Whether width and height must be even.
        most_fps: Frames beyond that many a second are dropped.
        preset: The encoder's preset.
        longest: Most pixels a side.
    """

    codec: str
    filters: str
    opaque: str
    clear: str | None
    options: tuple[str, ...] = ()
    crf: int = 0
    even: bool = False
    most_fps: float = 240
    preset: str = "medium"
    longest: int = 65534


FORMATS: dict[str, Format] = {
    # Encoding is what takes the time: twice as fast for half a decibel less, in a smaller file.
    ".mp4": Format(
        "libx264", _BT709, "yuv420p", None,
        ("-crf", "{crf}", "-movflags", "+faststart"), crf=18, even=True, preset="faster",
        longest=16384,
    ),
    ".webm": Format(
        "libvpx-vp9", _BT709, "yuv420p", "yuva420p",
        (
            "-crf", "{crf}", "-b:v", "0", "-row-mt", "1", "-deadline", "good", "-cpu-used", "4",
            "-fflags", "+bitexact",  # else the file has a random number in it
        ),
        crf=24, even=True,
    ),
    ".mov": Format(
        "prores_ks", _BT709, "yuv444p10le", "yuva444p10le",
        ("-profile:v", "4444", "-vendor", "apl0", "-alpha_bits", "16"),
    ),
    # Browsers show a GIF frame of less than 20 ms for 100 ms.
    ".gif": Format("gif", _PALETTE, "0", "1", ("-loop", "0"), most_fps=50),
    ".apng": Format("apng", "format={}", "rgb24", "rgba", ("-f", "apng", "-plays", "0")),
    ".webp": Format(
        "libwebp_anim", "format={}", "yuv420p", "yuva420p",
        ("-loop", "0", "-q:v", "90", "-compression_level", "2"), preset="default", longest=16383,
    ),
}  # fmt: skip
"""The kinds of file by ending. A name without an ending is a folder of PNGs."""


class VideoWriter:
    """Writes a clip, one frame after the other.

    The kind is chosen by the ending: ``.mp4`` (H.264, yuv420p), ``.webm`` (VP9), ``.mov`` (ProRes
    4444), ``.gif``, ``.apng``, ``.webp``; no ending makes a folder with ``00000.png``,
    ``00001.png``, ... All but mp4 hold transparency. mp4 and webm need even sizes: of an odd side
    the last row or column is left out, and a side of one pixel is doubled.

    Nothing appears under the name until the clip is complete; on an error or Ctrl-C inside the
    ``with`` block the partial file is removed and an older file of that name stays.

    Example:
        >>> with VideoWriter("clip.mp4", (1024, 576), 30) as writer:
        ...     for frame in frames:
        ...         writer.write(frame)
    """

    def __init__(
        self,
        path: str | Path,
        size_wh: tuple[int, int],
        fps: float,
        *,
        alpha: bool | None = None,
        quality: str = "high",
        preset: str | None = None,
    ) -> None:
        """Check everything that can be known before the first frame.

        Args:
            path: Where to write.
            size_wh: Width and height of the frames.
            fps: Frames per second, kept to hundredths.
            alpha: Whether frames are RGBA; None goes by the first frame.
            quality: A name in :data:`QUALITIES`.
            preset: How much effort mp4 takes, as x264 names it, ``ultrafast`` to ``veryslow``;
                with less, files are larger. Other kinds have one of their own.

        Raises:
            InvalidInput: The ending or the quality is unknown, ``fps`` or ``size_wh`` make no
                sense, or the kind of file cannot hold transparency or frames of that size.
        """
        self.path, self.size_wh, self.fps = Path(path).expanduser(), size_wh, float(fps)
        suffix = self.path.suffix.lower()
        if suffix and suffix not in FORMATS:
            raise InvalidInput(
                f"cannot write a clip called {self.path.name!r}: the ending must be one of"
                f" {', '.join(FORMATS)}, or none for a folder of PNGs."
            )
        if quality not in QUALITIES:
            raise InvalidInput(f"quality must be one of {', '.join(QUALITIES)}; got {quality!r}.")
        if min(size_wh) < 1:
            raise InvalidInput(f"a clip needs at least 1x1 pixels; got size_wh={size_wh}.")
        self._format = FORMATS.get(suffix)
        self._check_size()
        if not 0.01 <= self.fps <= 1000:
            raise InvalidInput(f"fps must be from 0.01 to 1000; got {fps}.")
        self._quality, self._alpha, self._preset = quality, alpha, preset
        if alpha:
            self._check_alpha()
        self._stack, self._count = ExitStack(), 0
        self._target: Path | None = None
        self._encoder: _Encoder | None = None

    def __enter__(self) -> Self:
        if self._format is None:
            partial = atomic_folder(self.path, stale=("[0-9]" * 5 + ".png",))
        else:
            partial = atomic_path(self.path)
        self._target = self._stack.enter_context(partial)
        self._stack.push(self._close)  # runs first; if it fails, the partial file is removed
        return self

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Add a frame.

        Args:
            frame: RGB or RGBA ``uint8`` ``(H, W, 3 | 4)``, RGBA not premultiplied; all alike.

        Raises:
            InvalidInput: The frame has another size or kind than the others.
            CartooneditError: ffmpeg failed, for example because the disk is full.
        """
        if self._target is None:
            raise CartooneditError("a VideoWriter writes inside its with block only.")
        if self._alpha is None:
            self._alpha = frame.ndim == 3 and frame.shape[2] == 4
            self._check_alpha()
        width, height = self.size_wh
        wanted = (height, width, 4 if self._alpha else 3)
        if frame.shape != wanted or frame.dtype != np.uint8:
            raise InvalidInput(f"frames must be uint8 {wanted}; got {frame.dtype} {frame.shape}.")
        if self._format is None:
            save_image(self._target / f"{self._count:05d}.png", frame)
        else:
            frame = _make_even(frame) if self._format.even else frame
            if self._encoder is None:
                crf = self._format.crf + QUALITIES[self._quality]
                size_wh = (frame.shape[1], frame.shape[0])
                kind = self._format
                if self._preset is not None and kind.codec == "libx264":
                    kind = replace(kind, preset=self._preset)
                encoder = _QuickEncoder if kind.preset in _QUICKEST else _Encoder
                self._encoder = encoder(
                    self._target, self.path, size_wh, self.fps, kind, self._alpha, crf
                )
            self._encoder.write(frame)
        self._count += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def _close(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._target = None
        if error is None and self._count == 0:
            raise CartooneditError(f"no frame was written for {self.path}.")
        if self._encoder is not None:
            if error is None:
                self._encoder.finish()
            else:
                self._encoder.abort()

    def _check_size(self) -> None:
        if self._format is None:
            return
        (width, height), longest = self.size_wh, self._format.longest
        # What ffmpeg allows of any picture, see its av_image_check_size.
        too_many = 8 * (width + 128) * (height + 128) >= 2**31
        if too_many or max(width, height) > longest:
            raise InvalidInput(
                f"{self.path.suffix} cannot hold frames of {width}x{height} pixels: {longest} a"
                " side and 268 million in all are the most. Choose a smaller size, or a name that"
                " has no ending, for a folder of PNGs."
            )

    def _check_alpha(self) -> None:
        if self._alpha and self._format is not None and self._format.clear is None:
            able = ", ".join(name for name, kind in FORMATS.items() if kind.clear is not None)
            raise InvalidInput(
                f"{self.path.suffix} cannot hold transparency. Choose one of {able},"
                " or a name without an ending for a folder of PNGs."
            )


def _make_even(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    for axis in (0, 1):
        if frame.shape[axis] == 1:
            frame = np.repeat(frame, 2, axis=axis)
    return frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2]


def _widen(pipe: IO[bytes]) -> None:
    """Let a frame or two wait in a pipe, so that who draws and who encodes do not wait in turn."""
    resize = getattr(fcntl, "F_SETPIPE_SZ", None)  # Linux has it
    if resize is not None:
        with suppress(OSError):  # the most that a user may have is a setting of the system
            fcntl.fcntl(pipe.fileno(), resize, PIPE_BYTES)


class _Encoder:
    """One run of ffmpeg; ``path`` is to become ``result``."""

    def __init__(
        self,
        path: Path,
        result: Path,
        size_wh: tuple[int, int],
        fps: float,
        kind: Format,
        alpha: bool,
        crf: int,
    ) -> None:
        self._result = result
        filters = self._filters(kind, alpha)
        if fps > kind.most_fps:
            logger.warning("%s: frames dropped, %g a second at most", path.suffix, kind.most_fps)
            filters = f"fps={kind.most_fps:g},{filters}"
        options = tuple(each.format(crf=crf) for each in kind.options)
        kind = replace(kind, filters=filters, options=options)
        # A file, not a pipe: nobody reads while frames are written, and a full pipe would block
        # ffmpeg.
        self._log: IO[str] = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        try:
            self._process: Any = self._start(path, size_wh, fps, kind, alpha)
        except (OSError, RuntimeError) as error:  # RuntimeError: there is none for this system
            self._log.close()
            raise CartooneditError(f"ffmpeg cannot be started: {error}.") from error
        _widen(self._process.stdin)

    def _filters(self, kind: Format, alpha: bool) -> str:
        return kind.filters.format(kind.clear if alpha else kind.opaque)

    def _start(
        self, path: Path, size_wh: tuple[int, int], fps: float, kind: Format, alpha: bool
    ) -> Any:
        """Start ffmpeg as moviepy does, to take RGB or RGBA."""
        from moviepy.video.io.ffmpeg_writer import FFMPEG_VideoWriter

        writer = FFMPEG_VideoWriter(
            str(path),
            size_wh,
            fps,
            codec=kind.codec,
            preset=kind.preset,
            with_mask=alpha,
            logfile=self._log,
            ffmpeg_params=[*_QUIET, "-filter_complex", kind.filters, *kind.options],
        )
        return writer.proc

    def write(self, frame: NDArray[np.uint8]) -> None:
        try:
            # As the writer's own write_frame(), but without a copy.
            self._process.stdin.write(np.ascontiguousarray(frame).data)
        except (OSError, ValueError) as error:  # ValueError: the pipe is closed
            raise self._failure() from error

    def finish(self) -> None:
        try:
            self._process.stdin.close()
            self._process.wait()
        except OSError as error:  # what was left in the pipe had no reader
            raise self._failure() from error
        if self._process.returncode != 0:
            raise self._failure()
        self._log.close()

    def abort(self) -> None:
        """Stop ffmpeg; its file is removed by whoever made its name."""
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            try:
                self._process.stdin.close()
            except OSError:
                logger.debug("ffmpeg was gone before its input was closed")
        self._log.close()

    def _failure(self) -> CartooneditError:
        self._process.wait()
        self._log.seek(0)
        lines = [re.sub(r"^\[.*? @ \w+\]", "", line).strip() for line in self._log]
        self._process.stdin = None
        said = "; ".join([line for line in lines if line][-2:]) or "it gave no reason"
        return CartooneditError(
            f"cannot write {self._result}: ffmpeg failed with exit status"
            f" {self._process.returncode}: {said}."
        )


class _QuickEncoder(_Encoder):
    """The same without moviepy, whose ffmpeg takes nothing but RGB."""

    def _filters(self, kind: Format, alpha: bool) -> str:
        return _SAY_BT709

    def _start(
        self, path: Path, size_wh: tuple[int, int], fps: float, kind: Format, alpha: bool
    ) -> Any:
        """Start ffmpeg to take planes of YUV."""
        from imageio_ffmpeg import get_ffmpeg_exe

        self._planes = Yuv420(size_wh)
        source = ("-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "{}x{}".format(*size_wh))
        result = ("-c:v", kind.codec, "-preset", kind.preset, "-chroma_sample_location", "center")
        threads = str(max(1, cpu_count() - 1))  # a core is left to who makes the frames
        return subprocess.Popen(
            [
                get_ffmpeg_exe(), "-y", *_QUIET, *source, "-r", f"{fps:.02f}", "-i", "-", "-vf",
                kind.filters, *result, "-threads", threads, *kind.options, f"file:{path}",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._log,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )  # fmt: skip

    def write(self, frame: NDArray[np.uint8]) -> None:
        super().write(self._planes(frame))
