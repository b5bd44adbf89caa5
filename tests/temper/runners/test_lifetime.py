"""Runners that come and go: memory stays flat, and Ctrl-C an ordinary one.

TEMPER_CYCLES_TABLE=benchmarks/results/cycles.md pytest -m slow tests/temper/runners/test_lifetime.py
"""

import dataclasses
import gc
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from convert.exporters.openvino_ir import to_openvino
from temper.card import Card, read_card
from temper.formats import format_of, load_runner
from temper.storage.atomic import sha256_of
from temper.system.child_process import run_in_child

ROOT = Path(__file__).parents[3]
TABLE = os.environ.get("TEMPER_CYCLES_TABLE", "")
HEAD = """# Memory over a thousand openings

A runner is opened, asked for one picture and closed, 200 times to warm up and then 1,000 times, each format in a
process of its own; resident MiB after a garbage collection, eleven times. The trend is the line of least squares
through them, over 1,000 openings. Made by
`TEMPER_CYCLES_TABLE=benchmarks/results/cycles.md pytest -m slow tests/temper/runners/test_lifetime.py`.

| format | after the warm-up | after 1,000 | least | most | trend |
|---|---|---|---|---|---|
"""
WARM_UP, CYCLES = 200, 1000
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
    assert run_in_child(_signals_after_two_runners, *artifact) == 1


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
@pytest.mark.tensorflow
@pytest.mark.parametrize("suffix", [".onnx", ".xml", ".keras", ".savedmodel"])
def test_memory_stays_flat_over_a_thousand_openings(bundle: Path, suffix: str) -> None:
    # A process of its own: what other tests left cannot be taken for a leak, or hide one.
    path, card = made(bundle, suffix)
    resident = run_in_child(_memory_over_cycles, path, card)
    slope, _ = np.polyfit(np.linspace(0, 1, len(resident)), resident, 1)
    kept_in_table(suffix, resident, float(slope))
    assert slope < MOST_GROWTH_MIB


def made(bundle: Path, suffix: str) -> tuple[Path, Card]:
    """The tiny classifier, or for Keras a network of two layers, in a format."""
    onnx = bundle.with_name("model.fp32.onnx")
    card = read_card(onnx)
    path = onnx.with_suffix(suffix)
    if suffix == ".xml":
        to_openvino(onnx, path)
    elif suffix != ".onnx":
        import keras

        layers = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")]
        model = keras.Sequential([keras.Input((card.size, card.size, 3), dtype="uint8"), *layers])
        model.save(path) if suffix == ".keras" else model.export(path, verbose=False)
    return path, dataclasses.replace(card, sha256=sha256_of(*format_of(path).files(path)))


def _memory_over_cycles(path: Path, card: Card) -> list[float]:
    """MiB that are resident after the first 200 openings, and after each tenth of the thousand that follow."""
    picture = np.zeros((1, card.size, card.size, 3), np.uint8)
    resident = []
    for cycle in range(1, WARM_UP + CYCLES + 1):
        with load_runner(path, card) as runner:
            runner.predict(picture)
        if cycle >= WARM_UP and (cycle - WARM_UP) % (CYCLES // 10) == 0:
            gc.collect()
            resident.append(resident_mib())
    return resident


def kept_in_table(suffix: str, resident: list[float], slope: float) -> None:
    """Append a row to the table that TEMPER_CYCLES_TABLE names."""
    print(f"{suffix}: {', '.join(f'{each:.1f}' for each in resident)} MiB over {CYCLES} cycles")
    if TABLE:
        path = ROOT / TABLE
        before = path.read_text(encoding="utf-8") if path.exists() else HEAD
        figures = (resident[0], resident[-1], min(resident), max(resident), slope)
        path.write_text(f"{before}| {suffix} | {' | '.join(f'{each:.1f}' for each in figures)} |\n", encoding="utf-8")
