"""Runners that are opened and closed many times: memory stays flat, and Ctrl-C is handled normally."""

import gc
import signal
from pathlib import Path

import numpy as np
import pytest

from temper.artifact import Artifact
from temper.runners.load import load_runner
from temper.system.child_process import run_in_child
from tests import tiny

WARM_UP, CYCLES = 20, 200
# 25 KiB a cycle; allocators vary by a megabyte.
MAX_GROWTH_MIB = 5


@pytest.fixture(params=[".onnx", ".xml"])
def artifact(request: pytest.FixtureRequest, bundle: Path) -> Artifact:
    """An artifact of each runtime that is installed everywhere."""
    return tiny.pipeline_of(bundle).build(Artifact.at(bundle).sibling("fp32", request.param), "fp32")


def test_ctrl_c_is_normal_after_two_runners_that_were_closed_in_the_order_of_their_creation(
    artifact: Artifact,
) -> None:
    assert run_in_child(_signals_after_two_runners, artifact) == 1


def _signals_after_two_runners(artifact: Artifact) -> int:
    signals: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: signals.append(number))
    first = load_runner(artifact)
    second = load_runner(artifact)
    del first
    gc.collect()
    del second
    gc.collect()
    signal.raise_signal(signal.SIGINT)
    return len(signals)


def test_memory_stays_flat_over_many_openings(artifact: Artifact) -> None:
    # In a process of its own: what other tests have allocated cannot look like a leak, or hide one.
    before, after = run_in_child(_memory_over_cycles, artifact)
    assert after - before < MAX_GROWTH_MIB


def _memory_over_cycles(artifact: Artifact) -> tuple[float, float]:
    """Resident MiB after the warm-up, and after all cycles."""
    image = np.zeros((1, tiny.SIZE, tiny.SIZE, 3), np.uint8)
    resident = []
    for cycle in range(1, WARM_UP + CYCLES + 1):
        with load_runner(artifact) as runner:
            runner.predict(image)
        if cycle in (WARM_UP, WARM_UP + CYCLES):
            gc.collect()
            resident.append(_resident_mib())
    return resident[0], resident[1]


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20
