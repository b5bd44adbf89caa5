"""Several files that replace their predecessors together, whatever interrupts the replacement.

The complete new files are first renamed, in one step, to a journal: a hidden folder beside the target. Then each file
moves to its place. Before the first step the old files are unchanged; after it the new ones are complete, and whoever
meets the journal next (a command or a reader) finishes the moves.
"""

import contextlib
import hashlib
import os
import shutil
from pathlib import Path

from temper.errors import ArtifactError
from temper.storage.exchange import exchange
from temper.storage.lock import lock_folder, open_folder

JOURNAL_SUFFIX = ".publish"
# A folder of the journal that was replaced, a file with the fingerprint of one that replaces, and a mark that a file of
# the predecessor has no successor.
REPLACED, FINGERPRINT, REMOVED = ".replaced", ".fingerprint", ".removed"


def publish(scratch: Path, target: Path) -> None:
    """Move all entries of the folder `scratch`, which is on the same file system, to the folder of `target`.

    The names of the entries decide where they go; `target` names the journal. Where folders cannot be locked, two
    commands must not publish the same target at once. Raises OSError when the entries cannot be moved, ArtifactError
    when a file would replace a folder or a folder a file, and as `check_journal` does.
    """
    _equal_permissions(scratch)
    for folder in [each for each in scratch.iterdir() if each.is_dir()]:
        _beside(folder, FINGERPRINT).write_text(_fingerprint(folder), encoding="ascii")
    flush(scratch)
    with lock_folder(target.parent):
        _finish(target)
        check_journal(target)
        _check_kinds(scratch, target.parent)
        scratch.replace(journal_of(target))
        # The journal is on the disk before a file leaves it: the system may write renames in another order.
        flush_folder(target.parent)
        _finish(target)


def remove_when_published(path: Path) -> None:
    """Let the publication of a scratch folder also remove the predecessor of `path`, a file that is not written there.

    A folder or a symbolic link is not removed.
    """
    _beside(path, REMOVED).touch()


def finish_publication(target: Path) -> None:
    """Complete a publication that was interrupted; does nothing when there is none.

    Raises ArtifactError where the files cannot be moved.
    """
    if not _has_journal(target):
        return
    try:
        with lock_folder(target.parent):
            _finish(target)
    except OSError as error:
        raise ArtifactError(
            f"{target} is incomplete: its publication was interrupted and cannot be completed here ({error.strerror})",
            fix=f"Run `temper inspect {target}` with write permission in its folder.",
        ) from None


def is_published(path: Path, target: Path) -> bool:
    """True when the path exists, or will once the publication of `target` is complete; changes nothing."""
    return path.exists() or (_has_journal(target) and (journal_of(target) / path.name).exists())


def journal_of(target: Path) -> Path:
    """The folder that holds what is being published under the name of `target`."""
    return target.with_name(f".{target.name}{JOURNAL_SUFFIX}")


def check_journal(target: Path) -> None:
    """Raise ArtifactError where something else has the name of the journal: then nothing can be published."""
    journal = journal_of(target)
    if _has_journal(target) or not (journal.exists() or journal.is_symlink()):
        return
    kind = "a symbolic link" if journal.is_symlink() else "a file" if journal.is_file() else "a pipe or a device"
    raise ArtifactError(
        f"{journal} is {kind}, and {target.name} is published through a folder of this name", fix="Move it away."
    )


def flush(path: Path) -> None:
    """Make sure that a file, or a folder with all that is in it, is on the disk."""
    for each in [path, *path.rglob("*")]:
        if each.is_dir():
            flush_folder(each)
        elif each.is_file():
            with each.open("rb") as stream:
                os.fsync(stream.fileno())


def flush_folder(folder: Path) -> None:
    """Make sure that the names in a folder are on the disk; some systems cannot do this."""
    with contextlib.suppress(OSError), open_folder(folder) as descriptor:
        os.fsync(descriptor)


def _has_journal(target: Path) -> bool:
    journal = journal_of(target)
    return journal.is_dir() and not journal.is_symlink()


def _equal_permissions(scratch: Path) -> None:
    """Give all files the permissions that a new file has: some libraries choose their own."""
    expected = scratch.stat().st_mode & 0o666
    for file in scratch.rglob("*"):
        if file.is_file() and file.stat().st_mode & 0o777 != expected:
            file.chmod(expected)


def _finish(target: Path) -> None:
    journal = journal_of(target)
    if not _has_journal(target):
        return
    _check_kinds(journal, target.parent)
    for source in _sources(journal):
        _move(source, target.parent / source.name)
    for mark in journal.glob(f"*{REMOVED}"):
        _remove_file(target.with_name(mark.name.removesuffix(REMOVED)))
        mark.unlink()
    for replaced in journal.glob(f"*{REPLACED}"):
        shutil.rmtree(replaced, ignore_errors=True)
    for fingerprint in journal.glob(f"*{FINGERPRINT}"):
        fingerprint.unlink()
    with contextlib.suppress(OSError):
        journal.rmdir()
    flush_folder(target.parent)


def _remove_file(path: Path) -> None:
    if path.is_file() and not path.is_symlink():
        path.unlink()


def _sources(journal: Path) -> list[Path]:
    return sorted(each for each in journal.iterdir() if not each.name.endswith((REPLACED, FINGERPRINT, REMOVED)))


def _check_kinds(scratch: Path, folder: Path) -> None:
    for source in _sources(scratch):
        target = folder / source.name
        if target.exists() and source.is_dir() != (target.is_dir() and not target.is_symlink()):
            there, new = ("folder", "file") if target.is_dir() else ("file", "folder")
            raise ArtifactError(f"{target} is a {there}, and a {new} is published under this name", fix="Move it away.")


def _move(source: Path, target: Path) -> None:
    if not target.is_dir() or target.is_symlink():
        source.replace(target)
        return
    replaced, expected = _beside(source, REPLACED), _beside(source, FINGERPRINT)
    if expected.exists() and expected.read_text(encoding="ascii") != _fingerprint(source):
        # Exchanged before an interruption.
        source.replace(replaced)
    elif exchange(source, target):
        source.replace(replaced)
    else:
        target.replace(replaced)
        source.replace(target)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _fingerprint(folder: Path) -> str:
    """What distinguishes a folder from its predecessor, wherever both are: names, sizes, times of modification."""
    stats = [(each.relative_to(folder).as_posix(), each.stat()) for each in sorted(folder.rglob("*")) if each.is_file()]
    listed = "\n".join(f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in stats)
    return hashlib.sha256(listed.encode("utf-8", "surrogateescape")).hexdigest()
