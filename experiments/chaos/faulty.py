"""Run a program of the project with the planted fault.

TEMPER_CHAOS_FAULT="in place" python -m experiments.chaos.faulty data/run.py draw FOLDER
"""

import contextlib
import os
import runpy
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from experiments.chaos.planted import (
    CONCEALED,
    COPIED,
    FORGETFUL,
    IN_PLACE,
    ONE_BY_ONE,
    REACHING,
    UNDECODED,
    UNEXPLAINED,
    UNREFUSED,
    fault,
    move_one_by_one,
)

# Long enough for a kill at a random moment of a command to leave half a file.
PAUSE_SECONDS = 0.5


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


def _publish_in_place() -> None:
    from temper.storage import atomic, publish

    vars(atomic).update(scratch_beside=_folder_of, atomic_write=_write_in_place)
    vars(publish).update(publish=lambda scratch, target: None)


def _publish_with(function: Callable[[Path, Path], None]) -> None:
    from temper.storage import atomic, publish

    vars(atomic).update(publish=function)
    vars(publish).update(publish=function)


def _forget_rows() -> None:
    from temper.infer.journal import Written

    Written.__contains__ = lambda self, key: False  # type: ignore[method-assign]


def _explain_nothing() -> None:
    from temper.runners import base, load

    for module in (base, load):
        vars(module).update(explained=lambda artifact, what: contextlib.nullcontext())


def _pass_errors_of_decoders() -> None:
    from temper.images import decode

    vars(decode).update(unreadable=lambda path, error: error)


def _decode_nothing() -> None:
    import numpy as np

    from data import image_check

    vars(image_check).update(load_image=lambda image, size: np.zeros((size, size, 3), np.uint8))


def _conceal_signals() -> None:
    from temper.system import early_signals, interrupts

    vars(early_signals).update(end_process=lambda number: os._exit(1))
    vars(interrupts).update(end_process=lambda number: os._exit(1))
    interrupts.Stop.exit_code = property(lambda self: 1)  # type: ignore[method-assign,assignment]


def _reach_out() -> None:
    # An address for examples (RFC 5737): without a datagram, connecting sends nothing.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.connect(("192.0.2.1", 443))


PLANTS: dict[str, Callable[[], None]] = {
    IN_PLACE: _publish_in_place,
    ONE_BY_ONE: lambda: _publish_with(move_one_by_one),
    COPIED: lambda: _publish_with(_copy_slowly),
    FORGETFUL: _forget_rows,
    UNEXPLAINED: _explain_nothing,
    UNREFUSED: _pass_errors_of_decoders,
    UNDECODED: _decode_nothing,
    CONCEALED: _conceal_signals,
    REACHING: _reach_out,
}


def plant() -> None:
    """Replace functions of the library by those of the planted fault, if there is one; before a program starts."""
    PLANTS.get(fault(), lambda: None)()


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
