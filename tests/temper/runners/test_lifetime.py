import dataclasses
import gc
import signal
from pathlib import Path

import numpy as np
import pytest

from convert.to_openvino import to_openvino
from temper.card import Card, read_card
from temper.child import call_in_child
from temper.files import sha256_of
from temper.formats import load_runner

CYCLES = 1000
# A kilobyte a cycle would be a leak; allocators breathe by some megabytes.
MOST_GROWTH_MIB = 16


def resident_mib() -> float:
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * 4096 / 2**20


@pytest.fixture(params=[".onnx", ".xml"])
def artifact(request: pytest.FixtureRequest, bundle: Path) -> tuple[Path, Card]:
    """An artifact of each runtime that is installed everywhere, and its card."""
    onnx = bundle.with_name("model.fp32.onnx")
    if request.param == ".onnx":
        return onnx, read_card(onnx)
    xml = onnx.with_suffix(".xml")
    to_openvino(onnx, xml)
    return xml, dataclasses.replace(read_card(onnx), sha256=sha256_of(xml, xml.with_suffix(".bin")))


def test_ctrl_c_after_two_runners_that_went_as_they_came_is_an_ordinary_one(artifact: tuple[Path, Card]) -> None:
    assert call_in_child(_signals_after_two_runners, *artifact) == 1


def _signals_after_two_runners(path: Path, card: Card) -> int:
    heard: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    first = load_runner(path, card)
    second = load_runner(path, card)
    del first
    gc.collect()
    del second
    gc.collect()
    signal.raise_signal(signal.SIGINT)
    return len(heard)


@pytest.mark.slow
def test_memory_stays_flat_over_a_thousand_openings(artifact: tuple[Path, Card]) -> None:
    path, card = artifact
    picture = np.zeros((1, card.size, card.size, 3), np.uint8)
    resident = []
    for cycle in range(CYCLES + 200):
        with load_runner(path, card) as runner:
            runner.predict(picture)
        if cycle in (199, CYCLES + 199):
            gc.collect()
            resident.append(resident_mib())
    print(f"{path.suffix}: {resident[0]:.1f} to {resident[1]:.1f} MiB over {CYCLES} cycles")
    assert resident[1] - resident[0] < MOST_GROWTH_MIB
