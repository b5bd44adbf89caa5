"""Run a program of the project with the planted fault.

TEMPER_CHAOS_FAULT="in place" python -m experiments.chaos.faulty data/run.py draw FOLDER
"""

import contextlib
import runpy
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from experiments.chaos.planted import COPIED, FORGETFUL, IN_PLACE, ONE_BY_ONE, fault, move_one_by_one

# Long enough for a kill at a random moment of a command to leave half a file.
PAUSE_SECONDS = 2.0


@contextlib.contextmanager
def _folder_of(target: Path) -> Iterator[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    yield target.parent


@contextlib.contextmanager
def _write_in_place(target: Path) -> Iterator[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    yield target


def _copy_slowly(scratch: Path, target: Path) -> None:
    for source in sorted(each for each in scratch.rglob("*") if each.is_file()):
        place = target.parent / source.relative_to(scratch)
        place.parent.mkdir(parents=True, exist_ok=True)
        content = source.read_bytes()
        place.write_bytes(content[: len(content) // 2])
        time.sleep(PAUSE_SECONDS)
        place.write_bytes(content)


def plant() -> None:
    """Replace functions of the library, before a program imports them."""
    from temper.storage import atomic, publish

    if fault() == IN_PLACE:
        vars(atomic).update(scratch_beside=_folder_of, atomic_write=_write_in_place)
        vars(publish).update(publish=lambda scratch, target: None)
    elif fault() == ONE_BY_ONE:
        vars(atomic).update(publish=move_one_by_one)
        vars(publish).update(publish=move_one_by_one)
    elif fault() == COPIED:
        vars(atomic).update(publish=_copy_slowly)
        vars(publish).update(publish=_copy_slowly)
    elif fault() == FORGETFUL:
        from temper.infer.journal import Written

        Written.__contains__ = lambda self, key: False  # type: ignore[method-assign]


def main(words: list[str]) -> None:
    """Start `PROGRAM …` or `-m MODULE …`."""
    plant()
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
