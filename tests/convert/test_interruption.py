"""A conversion that is interrupted or killed leaves the old artifact or the new one."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from convert.job import CardFields, Job
from temper.artifact import Artifact
from temper.runners.load import open_runner
from tests import tiny
from tests.convert.converters import use
from tests.source import ROOT


def test_an_interrupted_converter_leaves_nothing(bundle: Path, copy: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(job: Job) -> Iterator[CardFields]:
        job.target.write_bytes(b"half")
        raise KeyboardInterrupt
        yield

    use(interrupted, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        tiny.pipeline_of(bundle).build(copy, "fp16")
    assert not list(bundle.parent.glob("*copy*"))


KILLED_AT_RENAME = """
import os, signal, sys
from pathlib import Path
from temper.artifact import Artifact
from tests import tiny

renames = 0
def dying(function):
    def rename(*arguments, **named):
        global renames
        renames += 1
        if renames > int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)
    return rename

Path.replace, Path.rename = dying(Path.replace), dying(Path.rename)
bundle = Path(sys.argv[1])
tiny.pipeline_of(bundle).build(Artifact.at(bundle.with_name("model.fp16.xml")), "fp16", force=True)
"""


@pytest.mark.programs
def test_a_process_killed_at_any_rename_leaves_the_old_or_the_new_artifact(bundle: Path) -> None:
    target = bundle.with_name("model.fp16.xml")
    tiny.pipeline_of(bundle).build(Artifact.at(target), "fp16")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = 0
    for renames in range(40):
        command = [sys.executable, "-c", KILLED_AT_RENAME, str(bundle), str(renames)]
        done = subprocess.run(command, env=environment, capture_output=True)
        with open_runner(Artifact.at(target)) as runner:
            assert runner.card.precision == "fp16"
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        killed += 1
    assert done.returncode == 0
    # The record of the origin is written, the scratch folder becomes the journal, and each of three files moves.
    assert killed == 5
