"""Frames of a video file or a camera, decoded by PyAV one at a time."""

import math
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from temper.errors import MissingRuntime, UnreadableImage
from temper.images import open_regular
from temper.infer.sources.kinds import Frame, Unreadable, is_camera

# Positions are rounded to milliseconds, and the first frame of a second often lies a little before it.
SECONDS_DIGITS = 3


def frames_of(path: Path, fps: float) -> Iterator[Frame | Unreadable]:
    """`fps` frames of each second of a video, or all where it has fewer; of a camera until it is unplugged.

    The name of a frame is that of the file and its position, "video.mp4@12.500s"; for a camera the UTC time. What is
    missing or damaged gives an Unreadable, after the frames before the damage. Raises MissingRuntime without PyAV.
    """
    av = import_av()
    try:
        if not is_camera(str(path)):
            open_regular(path).close()
        yield from _decode(av, path, fps)
    except UnreadableImage as error:
        yield Unreadable(str(path), str(error))
    except (FileNotFoundError, av.FileNotFoundError):
        yield Unreadable(str(path), f"{path} does not exist. Check the path.")
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        yield Unreadable(str(path), f"{path} is damaged, or no video ({reason}). Replace or remove it.")


def import_av() -> Any:
    """The module of PyAV. Raises MissingRuntime where it is not installed."""
    try:
        import av
    except ImportError:
        raise MissingRuntime(
            "videos and cameras are read by PyAV, which is not installed",
            fix="Install it:\n    pip install av",
        ) from None
    return av


def _decode(av: Any, path: Path, fps: float) -> Iterator[Frame | Unreadable]:
    live = is_camera(str(path))
    # FFmpeg takes "concat:a|b.mp4" and "tcp://host/a.mp4" for more than a name of a file.
    address = str(path) if live else f"file:{path}"
    with av.open(address, format="v4l2" if live else None, options={"protocol_whitelist": "file"}) as container:
        if not container.streams.video:
            yield Unreadable(str(path), f"{path} has no video stream. Replace or remove it.")
            return
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        start, next_slot = None, -math.inf
        for frame in container.decode(stream):
            seconds = time.time() if live else float(frame.time or 0.0)
            start = seconds if start is None else start
            # Slots of 1 / fps seconds: the first frame in each one is taken.
            slot = math.floor(round((seconds - start) * fps, SECONDS_DIGITS))
            if slot >= next_slot:
                next_slot = slot + 1
                yield Frame(f"{path}@{_position(seconds, live)}", _upright(frame))


def _position(seconds: float, live: bool) -> str:
    if not live:
        return f"{seconds:.{SECONDS_DIGITS}f}s"
    now = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z"


def _upright(frame: Any) -> Any:
    image = frame.to_image()
    # Phones store how they were held.
    return image.rotate(frame.rotation, expand=True) if frame.rotation else image
