"""From the words on a command line to picture files."""

import glob
from pathlib import Path

from temper.errors import UserError
from temper.images import SUFFIXES, images_in


def find_pictures(words: list[str]) -> list[Path]:
    """Files as they are named, pictures below folders, and what patterns such as `photos/*.jpg` match; no file twice.

    Raises UserError for a folder without pictures and a pattern without a match. A file that is named is taken
    whatever its suffix, and whether it exists: it is reported when its turn comes.
    """
    found: list[Path] = []
    for word in words:
        found += _pictures_of(word)
    return list(dict.fromkeys(found))


def _pictures_of(word: str) -> list[Path]:
    path = Path(word)
    if path.is_dir():
        inside = images_in(path)
        if not inside:
            raise UserError(f"{path} holds no pictures. Expected {', '.join(SUFFIXES)} files in it or below it.")
        return inside
    if not path.exists() and glob.has_magic(word):
        # Path.glob takes no absolute pattern.
        matched = sorted(Path(each) for each in glob.glob(word, recursive=True))  # noqa: PTH207
        if not matched:
            raise UserError(f"{word!r} matches no file. Check the pattern, and quote it.")
        return matched
    return [path]
