"""Calls in a process of their own that is watched: it may crash, hang, or need memory, and the attack goes on."""

import multiprocessing
import os
import time
import traceback
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from experiments.chaos.faulty import plant

# One call: a number and its outcome, "ok", "refused" or "silent". What it raises is a traceback.
Attack = Callable[[int], str]
MakeAttack = Callable[[list[Path], int, Path], Attack]
# Of CPU time: other work on the machine does not count. What waits is noticed by HANG_SECONDS.
SLOW_SECONDS = 2.0
HANG_SECONDS = 60.0
OUTCOMES = ("ok", "refused", "silent", "traceback", "crash", "slow")
MEBIBYTE = 2**20


def watch(make: MakeAttack, corpus: list[Path], count: int, seed: int, scratch: Path) -> dict[str, Any]:
    """Call an attack with 0 to count - 1, and count what happens.

    tried, ok, refused, silent, traceback, crash, slow: calls; a slow one has another outcome too. peak_mb: the largest
    resident memory of a process, in MiB. stderr: bytes that were written there. seconds: of all together. worst:
    descriptions of what should not have happened.
    """
    started, total, worst, peak, next_number = time.monotonic(), Counter[str](), list[str](), 0.0, 0
    errors = scratch / "stderr.txt"
    errors.write_bytes(b"")
    context = multiprocessing.get_context("spawn")
    while next_number < count:
        receiver, sender = context.Pipe(duplex=False)
        work = (sender, make, corpus, range(next_number, count), seed, scratch)
        process = context.Process(target=_serve, args=work, daemon=True)
        process.start()
        sender.close()
        try:
            while next_number < count:
                if not receiver.poll(HANG_SECONDS):
                    raise EOFError
                outcome, seconds, detail, peak_now = receiver.recv()
                total[outcome] += 1
                total["slow"] += seconds > SLOW_SECONDS
                if detail or seconds > SLOW_SECONDS:
                    worst.append(f"{next_number}: {outcome} after {seconds:.1f} CPU-s {detail}".rstrip())
                peak, next_number = max(peak, peak_now), next_number + 1
        except EOFError:
            total["crash"] += 1
            worst.append(f"{next_number}: the process ended, or was silent for {HANG_SECONDS:g} s")
            next_number += 1
        process.kill()
        process.join()
        receiver.close()
    counted = {name: total[name] for name in OUTCOMES}
    figures = {"peak_mb": round(peak), "stderr": errors.stat().st_size, "seconds": round(time.monotonic() - started, 1)}
    return {"tried": count, **counted, **figures, "worst": worst[:20]}


def _serve(sender: Connection, make: MakeAttack, corpus: list[Path], numbers: range, seed: int, scratch: Path) -> None:
    with (scratch / "stderr.txt").open("ab") as errors:
        os.dup2(errors.fileno(), 2)
    plant()
    attack = make(corpus, seed, scratch)
    for number in numbers:
        started, detail = time.process_time(), ""
        try:
            outcome = attack(number)
        except Exception:
            outcome, detail = "traceback", traceback.format_exc()[-500:]
        sender.send((outcome, time.process_time() - started, detail, _peak()))


def _peak() -> float:
    """The largest resident memory of this process so far, in MiB; that of its parent does not count."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / MEBIBYTE
