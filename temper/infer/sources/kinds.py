"""What single images are, before they are decoded, and which names stand for many."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from PIL import Image

from temper.images import EncodedImage, ImageArray

DEFAULT_FPS = 1.0
SHARD_SUFFIXES = (".tar", ".tar.gz", ".tgz")
VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg")
CAMERA_PREFIX = "/dev/video"


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """fps: frames to take of each second of a video. allow_private: whether URLs may lead to private addresses."""

    fps: float = DEFAULT_FPS
    allow_private: bool = False


@dataclass(frozen=True)
class Url:
    """An image on a web server, which is read when it is decoded."""

    address: str
    allow_private: bool = False

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True)
class Frame:
    """A frame of a video, as RGB. name: the video's, with the position in it, "video.mp4@12.500s"."""

    name: str
    image: Image.Image


@dataclass(frozen=True)
class Unreadable:
    """A source without an image. error: why, as a sentence that names it."""

    name: str
    error: str

    def __str__(self) -> str:
        return self.name


# One image: a file, one in memory, on a server or in a video, a PIL image, or uint8 RGB [height, width, 3].
ImageSource: TypeAlias = "Path | EncodedImage | Url | Frame | Unreadable | Image.Image | ImageArray"
# What a classifier takes: the name of a source, an image, or an iterable of those.
Source: TypeAlias = "str | ImageSource | Iterable[str | ImageSource]"


def is_camera(name: str) -> bool:
    """Whether a name is that of a camera (Video4Linux), "/dev/video0"."""
    return name.startswith(CAMERA_PREFIX)
