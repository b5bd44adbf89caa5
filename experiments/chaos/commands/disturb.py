"""Commands as users start them, killed or failing at any moment and at chosen system calls, then started again."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from experiments.chaos.commands.scenarios import Scenario, draw_scenario, job_scenario
from experiments.chaos.commands.stages import conversion_scenarios, training_scenario
from experiments.chaos.planted import program
from experiments.chaos.record import Record
from experiments.chaos.strace import CALLS, FAULTS, Injected, inject, is_usable
from experiments.support import ROOT
from temper.storage.atomic import SCRATCH_SUFFIX

# Calls of one kind that are tried, from the first one.
MAX_NUMBER = 12
# Of the messages of a failure, for the report.
MAX_TEXT = 1500
# Children of a killed command have so long to end.
ORPHAN_SECONDS = 5.0


def run(count: int, seed: int, scratch: Path) -> Record:
    """Disturb commands that need no TensorFlow `count` times: draw, and a job over a folder."""
    return disturb([draw_scenario(scratch / "draw"), job_scenario(scratch / "job")], count, seed, scratch)


def run_stages(count: int, seed: int, scratch: Path) -> Record:
    """Disturb trainings and conversions of a tiny Keras model `count` times."""
    model = scratch / "stages" / "model.keras"
    return disturb([training_scenario(model), *conversion_scenarios(model)], count, seed, scratch)


def disturb(scenarios: Sequence[Scenario], count: int, seed: int, scratch: Path) -> Record:
    """Disturb each scenario in turn; every second time at a random moment, otherwise at a system call."""
    record, generator, started, with_calls = Record(), random.Random(seed), time.monotonic(), is_usable()
    for number in range(count):
        scenario = scenarios[number % len(scenarios)]
        scenario.prepare()
        if with_calls and number // len(scenarios) % 2:
            call, fault = generator.choice(CALLS), generator.choice(FAULTS)
            ended = inject(program(scenario.words), call, fault, generator.randint(1, MAX_NUMBER), scratch)
        else:
            ended = kill_at(scenario.words, generator.uniform(0, 1.1 * scenario.seconds))
        record.note("disturbed", int(ended.was_reached))
        outcome = _outcome(scenario, ended)
        record.add(outcome)
        if outcome not in ("ok", "refused"):
            record.explain(f"{outcome}: {' '.join(scenario.words[:5])}: {ended.stderr[-MAX_TEXT:]}")
    record.seconds = time.monotonic() - started
    return record


def kill_at(words: Sequence[str], seconds: float) -> Injected:
    """Start a command and kill it after some time; hangs when it leaves a process."""
    process = subprocess.Popen(
        [sys.executable, *program(words)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    with contextlib.suppress(subprocess.TimeoutExpired):
        _, stderr = process.communicate(timeout=seconds)
        return Injected(was_reached=False, code=process.returncode, stderr=stderr)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    left = has_orphans(process.pid)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    _, stderr = process.communicate()
    return Injected(was_reached=True, code=None if left else process.returncode, stderr=stderr)


def has_orphans(session: int) -> bool:
    """Whether processes of a session are left after some seconds."""
    end = time.monotonic() + ORPHAN_SECONDS
    while any(_members(session)):
        if time.monotonic() > end:
            return True
        time.sleep(0.05)
    return False


def _members(session: int) -> Iterator[int]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, _, its_session = stat.read_text().rpartition(")")[2].split()[:4]
            if int(its_session) == session and state != "Z":
                yield int(stat.parent.name)


def _outcome(scenario: Scenario, ended: Injected) -> str:
    if not scenario.is_whole():
        return "lost"
    if ended.code is None:
        return "hang"
    if ended.shows_bug:
        return "traceback"
    # The same command again, undisturbed: it completes the work, and removes what was left.
    again = subprocess.run([sys.executable, *program(scenario.words)], cwd=ROOT, capture_output=True, text=True)
    if again.returncode or not scenario.is_complete():
        return "lost"
    if any(each for each in scenario.folder.glob(f".*{SCRATCH_SUFFIX}") if any(each.iterdir())):
        return "wrong"
    return "refused" if ended.code > 0 else "ok"
