"""From what a user names to single images: files, folders, patterns, PIL images, arrays, and iterables of them."""

import glob
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image

from temper.errors import DataError
from temper.images import SUFFIXES, ImageArray, images_in

# One image: a file, a PIL image, or uint8 RGB [height, width, 3].
ImageSource: TypeAlias = "Path | Image.Image | ImageArray"
# What a classifier takes: a file, a folder, a pattern, an image, or an iterable of those.
Source: TypeAlias = "str | ImageSource | Iterable[str | ImageSource]"


def iterate_sources(source: Source) -> Iterator[ImageSource]:
    """Single images, in order; a string is a file, a folder or a pattern.

    A file may have any suffix. A missing file is reported later, when it is read. Raises DataError for an empty name, a
    folder without images and a pattern without a match, TypeError for what is no source.
    """
    if isinstance(source, (str, Path)):
        yield from _files_of(str(source))
    elif isinstance(source, (Image.Image, np.ndarray)):
        yield source
    elif isinstance(source, Iterable) and not isinstance(source, bytes):
        for each in source:
            yield from iterate_sources(each)
    else:
        raise TypeError(f"expected a path, a PIL image, an array or an iterable of them, got {type(source).__name__}")


def _files_of(name: str) -> list[Path]:
    if not name:
        # Path("") is the current folder.
        raise DataError("the name of an image is empty", fix="Name a file, a folder or a pattern.")
    path = Path(name)
    if path.is_dir():
        inside = images_in(path)
        if not inside:
            fix = f"Expected {', '.join(SUFFIXES)} files in it or below it."
            raise DataError(f"{path} holds no images", fix=fix)
        return inside
    if not path.exists() and glob.has_magic(name):
        # Path.glob takes no absolute pattern.
        matched = sorted(Path(each) for each in glob.glob(name, recursive=True))  # noqa: PTH207
        if not matched:
            raise DataError(f"{name!r} matches no file", fix="Check the pattern, and quote it.")
        return matched
    return [path]
