"""What a name stands for: a file, a folder, a pattern, a tar shard, a video, a camera, a URL, or stdin."""

import glob
import itertools
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from temper.errors import DataError
from temper.images import MAX_BYTES, SUFFIXES, EncodedImage, unreadable_folder, walk_images
from temper.infer.sources.kinds import (
    SHARD_SUFFIXES,
    VIDEO_SUFFIXES,
    Frame,
    ImageSource,
    Source,
    SourceOptions,
    Unreadable,
    Url,
    is_camera,
)

STDIN = "-"
URL_SCHEMES = ("http://", "https://")
DEFAULTS = SourceOptions()
SINGLE = (EncodedImage, Url, Frame, Unreadable, Image.Image, np.ndarray)


def iterate_sources(source: Source, options: SourceOptions = DEFAULTS) -> Iterator[ImageSource]:
    """Single images, in order; a string is a name.

    "-" is the content of one image on stdin; http:// and https:// begin a URL; /dev/video0 is a camera. Any other name
    is a path: a folder stands for the image files below it, sorted; .tar, .tar.gz and .tgz for the images of a
    shard; the suffix of a video for its frames; a name that does not exist and contains *, ? or [ for the files
    that match it, sorted; and everything else for an image file of any suffix. A missing or damaged file, and a
    folder that cannot be listed, is reported later, when it is read. Raises DataError for an empty name, a folder
    without images and a pattern without a match, MissingRuntime for a video without PyAV, TypeError for what is no
    source.
    """
    if isinstance(source, str) and source == STDIN:
        yield _read_stdin()
    elif isinstance(source, str) and is_url(source):
        yield Url(source, options.allow_private)
    elif isinstance(source, (str, Path)):
        yield from _images_at(str(source), options)
    elif isinstance(source, SINGLE):
        yield source
    elif isinstance(source, Iterable) and not isinstance(source, bytes):
        for each in source:
            yield from iterate_sources(each, options)
    else:
        raise TypeError(f"expected a path, a PIL image, an array or an iterable of them, got {type(source).__name__}")


def is_live(source: Source) -> bool:
    """Whether images come as time passes, so that each one is classified at once: a camera is named.

    >>> is_live(["/dev/video0"]), is_live("photos/")
    (True, False)
    """
    names = [source] if isinstance(source, (str, Path)) else source if isinstance(source, (list, tuple)) else []
    return any(isinstance(name, (str, Path)) and is_camera(str(name)) for name in names)


def _read_stdin() -> EncodedImage | Unreadable:
    content = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        return Unreadable(STDIN, f"stdin has more than {MAX_BYTES:,} bytes, the limit. Scale the image down.")
    return EncodedImage(STDIN, content)


def _images_at(name: str, options: SourceOptions) -> Iterator[ImageSource]:
    for file in [Path(name)] if is_camera(name) else files_of(name):
        yield from [file] if isinstance(file, Unreadable) else images_of(file, options)


def images_of(path: Path, options: SourceOptions) -> Iterator[ImageSource]:
    """The images of a file or a camera: one, or those of a shard or a video."""
    kind = path.name.lower()
    if kind.endswith(SHARD_SUFFIXES):
        from temper.infer.sources.shards import images_in_shard

        yield from images_in_shard(path)
    elif kind.endswith(VIDEO_SUFFIXES) or is_camera(str(path)):
        from temper.infer.sources.video import frames_of

        yield from frames_of(path, options.fps)
    else:
        yield path


def files_of(name: str) -> Iterator[Path | Unreadable]:
    """The files that a path, a folder or a pattern stands for; for a folder that cannot be read, an Unreadable.

    Raises DataError as `iterate_sources` does.
    """
    if not name:
        # Path("") is the current folder.
        raise DataError("the name of an image is empty", fix="Name a file, a folder or a pattern.")
    path = Path(name)
    if is_folder(name):
        images = map(_file_of, walk_images(path))
        if (first := next(images, None)) is None:
            raise DataError(f"{path} holds no images", fix=f"Expected {', '.join(SUFFIXES)} files in it or below it.")
        yield from itertools.chain([first], images)
    elif glob.has_magic(name) and not os.path.lexists(name):
        from temper.infer.sources.patterns import match

        matched = [each for each in match(name) if isinstance(each, OSError) or not is_folder(each)]
        if not matched:
            raise DataError(f"{name!r} matches no file", fix="Check the pattern, and quote it.")
        yield from sorted(map(_file_of, matched), key=lambda each: Path(str(each)).parts)
    else:
        yield path


def _file_of(match_or_error: "str | Path | OSError") -> Path | Unreadable:
    if not isinstance(match_or_error, OSError):
        return Path(match_or_error)
    return Unreadable(str(match_or_error.filename), f"{unreadable_folder(match_or_error)}. Check its permissions.")


def is_folder(name: str) -> bool:
    """Whether a name is that of a folder; Path.is_dir raises OSError for a name that is too long."""
    return os.path.isdir(name)  # noqa: PTH112


def is_file(name: str) -> bool:
    """Whether a name is that of a file; Path.is_file raises OSError for a name that is too long."""
    return os.path.isfile(name)  # noqa: PTH113


def is_url(name: str) -> bool:
    """Whether a name is an address."""
    return name.lower().startswith(URL_SCHEMES)
