"""Every command is interrupted at random moments, by SIGINT and SIGTERM, and its command line is then run again."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.chaos.commands.workspace import SERVE, SLOW, Workspace, command_lines, make_workspace, reset
from experiments.support import ROOT

MAX_SECONDS = 5.0
# Python's resource tracker ends a moment after the others.
CLOSING_SECONDS = 3.0
HANGING_SECONDS = 30.0
# Python starts and imports the handler in 0.02 to 0.03 s of CPU time, on a busy machine in more; until then only it
# handles signals. A program without a handler after ten times that has none.
START_CPU_SECONDS = 0.3
# How long the server is left alone in the run that measures the others' duration.
SERVE_SECONDS = 4.0
# A run without an interruption, after so many with one, shows that the command line still works.
RERUN_EVERY = 10
STOPS = {signal.SIGINT: 130, signal.SIGTERM: 143}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one interrupted run did. problem: "" where it stopped as it should, or had finished before."""

    command: str
    number: signal.Signals
    after: float
    seconds: float
    code: int
    problem: str
    text: str = ""


def run(count: int, seed: int, scratch: Path, names: Sequence[str] = ()) -> dict[str, object]:
    """Interrupt each command `count` times; the slow ones a tenth of that.

    names: of command_lines(), all if empty. Returns counts: tried; ok; lost (reruns that failed); silent (another
    exit code than that of the signal, or a process left); traceback; crash (ended by a signal); slow (over 5 s);
    before_start (a signal that Python handled, within START_CPU_SECONDS, as the program had no handler yet); and
    examples.
    """
    started = time.monotonic()
    workspace = make_workspace(scratch / "interrupts")
    rng, outcomes, refused = random.Random(seed), [], []
    for name, words in command_lines(workspace).items():
        if names and name not in names:
            continue
        duration = _duration(workspace, name, words)
        for number in range(1, (max(1, count // 10) if name in SLOW else count) + 1):
            outcomes.append(interrupt(workspace, name, words, rng.choice(list(STOPS)), rng.uniform(0, duration)))
            if number % RERUN_EVERY == 0 and not _works(workspace, name, words):
                refused.append(name)
        if not _works(workspace, name, words):
            refused.append(name)
    return _counts(outcomes, refused) | {"seconds": round(time.monotonic() - started)}


def interrupt(workspace: Workspace, name: str, words: list[str], number: signal.Signals, after: float) -> Outcome:
    """Start a command, interrupt it, and see how it ends. Every other signal reaches the children too."""
    reset(workspace, name)
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = _start(words, out.fileno(), err.fileno())
        time.sleep(after)
        is_starting, stopped = _is_starting(process.pid), time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            # Ctrl-C reaches all processes of the terminal; `kill` only one.
            (os.killpg if number is signal.SIGINT else os.kill)(process.pid, number)
        try:
            code = process.wait(HANGING_SECONDS)
        except subprocess.TimeoutExpired:
            code = 0
        seconds = time.monotonic() - stopped
        is_left = not _has_ended(process.pid)
        out.seek(0), err.seek(0)
        text = err.read()
        problem = _problem_of(name, number, code, text, out.read()) or ("silent: a process is left" if is_left else "")
        if is_starting and (code == -number or (problem == "traceback" and code in (1, -signal.SIGINT))):
            problem = "before_start"
        if not problem and seconds > MAX_SECONDS:
            problem = f"slow: {seconds:.1f} s"
    return Outcome(
        command=name, number=number, after=after, seconds=seconds, code=code, problem=problem, text=text[-2000:]
    )


def _start(words: list[str], out: int, err: int) -> "subprocess.Popen[bytes]":
    def default_signals() -> None:
        # A shell without job control starts its background with SIGINT ignored, and children inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)

    return subprocess.Popen(words, stdout=out, stderr=err, cwd=ROOT, start_new_session=True, preexec_fn=default_signals)


def _problem_of(name: str, number: signal.Signals, code: int, text: str, results: str) -> str:
    if "Traceback" in text:
        return "traceback"
    if code < 0:
        return f"crash: {signal.Signals(-code).name}"
    # A server that serves is stopped on purpose; any other command had finished its work.
    if code not in (0, STOPS[number]):
        return f"silent: exit code {code}"
    if code and text.count("stopped.") != 1:
        return f"silent: {text.count('stopped.')} lines"
    if name == "classify --json" and results and not results.endswith("}\n"):
        return "silent: half a line"
    return ""


def _is_starting(process: int) -> bool:
    """Whether a Python program has not come to its own handler of SIGTERM; Python sets one of SIGINT alone."""
    if _cpu_seconds(process) >= START_CPU_SECONDS:
        return False
    with contextlib.suppress(OSError):
        fields = dict(line.split(":\t") for line in Path(f"/proc/{process}/status").read_text().splitlines())
        # Bit masks in which signal 1 is the lowest bit (proc(5)).
        handled = int(fields["SigCgt"], 16) | int(fields["SigIgn"], 16)
        return not handled >> (signal.SIGTERM - 1) & 1
    return False


def _cpu_seconds(process: int) -> float:
    """What a process has used so far, without its children; 0 when it has ended."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        # The 14th and 15th field of all: user and system time (proc(5)).
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _has_ended(group: int) -> bool:
    """Whether every process of a group ends in time; what is left is killed."""
    end = time.monotonic() + CLOSING_SECONDS
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < end:
            os.killpg(group, 0)
            time.sleep(0.02)
        os.killpg(group, signal.SIGKILL)
        return False
    return True


def _duration(workspace: Workspace, name: str, words: list[str]) -> float:
    """Seconds of a run without an interruption; it also fills the caches."""
    if name == SERVE:
        return SERVE_SECONDS
    started = time.monotonic()
    if not _works(workspace, name, words):
        raise RuntimeError(f"{name} does not work without an interruption either")
    return time.monotonic() - started


def _works(workspace: Workspace, name: str, words: list[str]) -> bool:
    if name == SERVE:
        return True
    reset(workspace, name)
    return subprocess.run(words, cwd=ROOT, capture_output=True).returncode == 0


def _counts(outcomes: list[Outcome], refused: list[str]) -> dict[str, object]:
    kinds = Counter(each.problem.partition(":")[0] or "ok" for each in outcomes)
    bad = [each for each in outcomes if each.problem not in ("", "before_start")]
    for each in bad:
        sys.stderr.write(f"{each.command}, {each.number.name} after {each.after:.2f} s: {each.problem}\n{each.text}\n")
    return {
        "tried": len(outcomes),
        "lost": len(refused),
        **{kind: kinds[kind] for kind in ("ok", "silent", "traceback", "crash", "slow", "before_start")},
        "slowest": round(max((each.seconds for each in outcomes), default=0.0), 2),
        "examples": [*refused, *(f"{each.command}: {each.problem}" for each in bad[:20])],
    }
