"""Workers in real processes."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from benchmarks.measurement.worker import Worker
from temper.errors import MissingRuntime, UserError
from tests.source import ROOT

pytestmark = pytest.mark.programs


@contextlib.contextmanager
def counter(left: Path | None = None) -> Iterator[list[int]]:
    yield [os.getpid()]
    if left:
        left.touch()


@contextlib.contextmanager
def missing() -> Iterator[list[int]]:
    raise MissingRuntime("there is no such runtime here", fix="Install it.")
    yield []


def append(state: list[int], number: int, twice: bool = False) -> list[int]:
    state += [number, number] if twice else [number]
    return state


def fail(state: list[int]) -> None:
    raise UserError("this does not work", fix="Do something else.")


def die(state: list[int]) -> None:
    os._exit(7)


def test_functions_are_called_with_the_state_of_the_process(tmp_path: Path) -> None:
    worker = Worker("counter", partial(counter, tmp_path / "left"))
    append_twice = worker.call(append, 1, twice=True)
    assert append_twice[0] != os.getpid()
    assert worker.call(append, 2) == [*append_twice, 2]
    worker.close()
    assert (tmp_path / "left").exists()


def test_an_error_arrives_with_its_kind_and_its_remedy_and_ends_nothing() -> None:
    worker = Worker("counter", counter)
    with pytest.raises(UserError, match="this does not work") as error:
        worker.call(fail)
    assert error.value.fix == "Do something else."
    assert worker.call(append, 1)[1:] == [1]
    worker.close()
    with pytest.raises(MissingRuntime, match="no such runtime here"):
        Worker("missing", missing)


def sleep(state: list[int], seconds: float) -> None:
    time.sleep(seconds)


def test_a_worker_whose_parent_is_gone_ends_silently(capfd: pytest.CaptureFixture[str]) -> None:
    worker = Worker("counter", counter)
    worker._pipe.send((sleep, (0.3,), {}))
    worker.close()
    assert worker._process.exitcode == 0
    assert capfd.readouterr().err == ""


def test_a_process_that_dies_is_reported_with_its_exit_code() -> None:
    worker = Worker("counter", counter)
    for _ in range(2):
        with pytest.raises(UserError, match=r"the process of counter died \(exit code 7\)"):
            worker.call(die)
    worker.close()


def test_a_cold_start_includes_no_library_that_the_case_does_not_use() -> None:
    code = (
        "import sys, benchmarks.measurement.worker, temper.runners.load\n"
        "print([each for each in ('numpy', 'PIL', 'rich', 'onnxruntime') if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "[]\n", done.stderr
