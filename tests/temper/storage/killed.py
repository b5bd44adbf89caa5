"""Stands for a process that is killed between two changes of the file system."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from temper.storage.exchange import exchange


class Killed(BaseException):
    """Stands for the end of the process: no handler of the code under test may catch it."""


@contextlib.contextmanager
def killed_after(steps: int) -> Iterator[list[str]]:
    """Raise Killed at the next change of the file system after so many; yields what was done."""
    done: list[str] = []

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if len(done) == steps:
                raise Killed
            done.append(original.__name__)
            return original(*arguments, **named)

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", counted(Path.replace))
        patch.setattr(Path, "unlink", counted(Path.unlink))
        patch.setattr("temper.storage.publish.exchange", counted(exchange))
        patch.setattr(Path, "rmdir", counted(Path.rmdir))
        patch.setattr(shutil, "rmtree", counted(shutil.rmtree))
        yield done
