"""Many names: of a command line, and of a list that a program has made."""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from temper.errors import DataError, UnreadableImage
from temper.images import EncodedImage, open_regular
from temper.infer.sources.kinds import (
    SHARD_SUFFIXES,
    VIDEO_SUFFIXES,
    Frame,
    ImageSource,
    SourceOptions,
    Unreadable,
    Url,
    is_camera,
)
from temper.infer.sources.names import STDIN, files_of, images_of, is_file, is_folder, is_url, iterate_sources

PIPES_OF_SHELL = ("/dev/fd/", "/proc/self/fd/")
# More than any name or address.
MAX_LINE_BYTES = 2**16
ONE_A_LINE = "Expected one name a line."


def names_in_list(file: str) -> Iterator[str]:
    """The lines of a file, or of stdin for "-", without empty ones; read as they are needed.

    A pipe is read only if a shell made it: `--list <(find ...)`. Raises DataError, at once for a file that cannot be
    read, and later for a line that can be no name.
    """
    return _lines(sys.stdin.buffer if file == STDIN else _open_list(file), file)


def _lines(stream: BinaryIO, file: str) -> Iterator[str]:
    with contextlib.nullcontext() if stream is sys.stdin.buffer else stream:
        while line := stream.readline(MAX_LINE_BYTES + 1):
            if len(line) > MAX_LINE_BYTES:
                raise DataError(f"the list {file} has a line of more than {MAX_LINE_BYTES:,} bytes", fix=ONE_A_LINE)
            if name := os.fsdecode(line.rstrip(b"\r\n")):
                yield name


def _open_list(file: str) -> BinaryIO:
    try:
        return Path(file).open("rb") if file.startswith(PIPES_OF_SHELL) else open_regular(Path(file))
    except UnreadableImage:
        fix = f"Name a file, or read from it through stdin: --list - < {file}"
        raise DataError(f"the list {file} is not a regular file", fix=fix) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"the list {file} cannot be read ({reason})", fix="Check the path.") from None


def iterate_named(names: Iterable[str], options: SourceOptions) -> Iterator[ImageSource]:
    """Single images of the names on a command line, each image once."""
    names = list(names)
    images = iterate_sources(names, options)
    # One folder names no image twice, and needs no memory for what was there.
    return images if len(names) == 1 and is_folder(names[0]) else once(images)


def iterate_listed(names: Iterable[str], options: SourceOptions) -> Iterator[ImageSource]:
    """Single images of names that a program has made, each image once.

    No name is a pattern or stdin, and none that holds no images stops the others.
    """
    return once(image for name in names for image in _listed(name, options))


def check_sources(names: Iterable[str]) -> None:
    """Raise what `iterate_sources` would raise for one of the names; no image, shard or video is opened."""
    for name in names:
        if name != STDIN and not is_url(name) and not is_file(name) and not is_camera(name):
            next(files_of(name))


def count_images(names: Iterable[str]) -> int:
    """How many images the names stand for; 0 where this is known only at the end: stdin, cameras, shards, videos."""
    total = 0
    for name in names:
        if name == STDIN or is_camera(name):
            return 0
        if is_url(name):
            total += 1
            continue
        for file in files_of(name):
            if isinstance(file, Path) and file.name.lower().endswith((*SHARD_SUFFIXES, *VIDEO_SUFFIXES)):
                return 0
            total += 1
    return total


def once(images: Iterable[ImageSource]) -> Iterator[ImageSource]:
    """The same images without those that were there before, by name and, in memory, by content.

    About 70 bytes of memory for each image.
    """
    seen: set[int] = set()
    for image in images:
        name = image.name if isinstance(image, (EncodedImage, Frame, Unreadable)) else str(image)
        key = hash((name, image.content if isinstance(image, EncodedImage) else b""))
        if key not in seen:
            seen.add(key)
            yield image


def _listed(name: str, options: SourceOptions) -> Iterator[ImageSource]:
    if is_url(name):
        yield Url(name, options.allow_private)
    elif not is_folder(name):
        yield from images_of(Path(name), options)
    else:
        try:
            yield from files_of(name)
        except DataError as error:
            yield Unreadable(name, str(error))
