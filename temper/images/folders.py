"""The image files of a folder."""

import os
from collections.abc import Iterator
from pathlib import Path

from temper.dataset.image_files import SUFFIXES
from temper.errors import DataError


def images_in(folder: Path) -> list[Path]:
    """Image files anywhere below a folder, by suffix, sorted; hidden files and folders are skipped.

    Raises DataError for a folder that cannot be read.
    """
    images = []
    for path in walk_images(folder):
        if isinstance(path, OSError):
            raise DataError(unreadable_folder(path), fix="Check its permissions.")
        images.append(path)
    return images


def walk_images(folder: Path) -> Iterator[Path | OSError]:
    """The same one by one, with the error of a folder that cannot be read in the place of its images.

    Only the names of one folder, and of those above it, are in memory. Links to folders are not followed. A file whose
    kind cannot be read counts as an image.
    """
    try:
        with os.scandir(folder) as entries:
            seen = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries if entry.name[0] != "."]
    except OSError as error:
        yield error
        return
    folders = {name for name, is_folder in seen if is_folder}
    names = sorted((name for name, _ in seen if name in folders or name.lower().endswith(SUFFIXES)), reverse=True)
    del seen
    while names:
        path = folder / (name := names.pop())
        if name in folders:
            yield from walk_images(path)
        elif _may_be_file(path):
            yield path


def _may_be_file(path: Path) -> bool:
    try:
        return path.is_file()
    except PermissionError:
        # The folder can be listed and not entered: the image is reported when it is read.
        return True


def unreadable_folder(error: OSError) -> str:
    """What is wrong with a folder, as a sentence without its full stop."""
    return f"the folder {error.filename} cannot be read ({error.strerror})"


def labeled_images(folder: Path) -> list[tuple[Path, str]]:
    """Images of a folder that holds one folder for each label, sorted by label, then path.

    Raises DataError when the folder is missing or cannot be read, holds fewer than two labels with images in them, or
    has a name that is not UTF-8, as has a label; the name of an image may be anything.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder", fix="Expected a folder with one folder of images for each label.")
    folders = _folders_in(folder)
    _check_names(folder, folders)
    images = [(path, label.name) for label in folders for path in images_in(label)]
    labels = sorted({label for _, label in images})
    if len(labels) < 2:
        what = f"images of one label only ({labels[0]})" if labels else "no images"
        raise DataError(
            f"{folder} holds {what}",
            fix=f"Expected two folders or more, one for each label, with {', '.join(SUFFIXES)} files in them.",
        )
    return images


def _check_names(folder: Path, labels: list[Path]) -> None:
    """Raise DataError where the path of the dataset or a label is not UTF-8: cards and reports store both as text."""
    for each in (folder.resolve(), *labels):
        try:
            str(each).encode()
        except UnicodeEncodeError:
            raise DataError(f"the name of the folder {each} is not UTF-8", fix="Rename the folder.") from None


def _folders_in(folder: Path) -> list[Path]:
    try:
        return [each for each in sorted(folder.iterdir()) if each.is_dir() and not each.name.startswith(".")]
    except OSError as error:
        raise DataError(unreadable_folder(error), fix="Check its permissions.") from None
