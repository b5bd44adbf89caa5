"""The files that a pattern matches, as the module glob defines it, without endless ways through links.

`glob.glob` follows a link to a folder above as often as the system allows: each image comes 41 times, and two such
links take years. And it is silent about folders that it cannot read.
"""

import fnmatch
import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ANY_FOLDERS = "**"
Identity = tuple[int, int]


def match(pattern: str) -> list[str | OSError]:
    """Names that exist and match, each once, and the error of every folder that cannot be read; in no order.

    `**` stands for any number of folders that are not hidden; each is visited once, by the way without a link if there
    is one.
    """
    path = Path(pattern)
    root, parts = path.anchor, path.parts[1:] if path.anchor else path.parts
    matched = _Walk().match(root, list(parts))
    return list({each.filename if isinstance(each, OSError) else each: each for each in matched}.values())


@dataclass
class _Walk:
    # Folders from which a ** looks further, with the rest of the pattern.
    visited: set[tuple[Identity, int]] = field(default_factory=set)

    def match(self, folder: str, parts: list[str]) -> Iterator[str | OSError]:
        if not parts:
            yield folder
        elif parts[0] == ANY_FOLDERS:
            yield from self._any_depth(folder, parts)
        elif glob.has_magic(parts[0]):
            for entry in _entries(folder):
                if isinstance(entry, OSError):
                    yield entry
                elif _fits(entry.name, parts[0]) and (len(parts) == 1 or _is_folder(entry)):
                    yield from self.match(_join(folder, entry.name), parts[1:])
        elif os.path.lexists(_join(folder, parts[0])):
            yield from self.match(_join(folder, parts[0]), parts[1:])

    def _any_depth(self, start: str, parts: list[str]) -> Iterator[str | OSError]:
        folders, links = [start], list[str]()
        while folders or links:
            folder = folders.pop() if folders else links.pop(0)
            if not self._is_new(folder, len(parts)):
                continue
            # A final ** stands for files too.
            yield from self.match(folder, parts[1:] or ["*"])
            for entry in _entries(folder):
                if isinstance(entry, OSError):
                    yield entry
                elif not entry.name.startswith(".") and _is_folder(entry):
                    (links if entry.is_symlink() else folders).append(_join(folder, entry.name))

    def _is_new(self, folder: str, depth: int) -> bool:
        try:
            status = Path(folder).stat()
        except OSError:
            return False
        key = (status.st_dev, status.st_ino), depth
        is_new = key not in self.visited
        self.visited.add(key)
        return is_new


def _entries(folder: str) -> list[os.DirEntry[str] | OSError]:
    try:
        with os.scandir(folder or os.curdir) as entries:
            return list(entries)
    except NotADirectoryError:
        return []
    except OSError as error:
        return [error]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _fits(name: str, pattern: str) -> bool:
    is_shown = not name.startswith(".") or pattern.startswith(".")
    return is_shown and fnmatch.fnmatchcase(name, pattern)


def _join(folder: str, name: str) -> str:
    return os.path.join(folder, name)  # noqa: PTH118
