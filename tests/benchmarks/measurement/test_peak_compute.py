from pathlib import Path

import pytest

from benchmarks.measurement.peak_compute import (
    OPERATIONS,
    PEAK_PRECISIONS,
    PeakPrecision,
    count_operations,
    fastest_call,
    gops,
    load_kernel,
)
from benchmarks.measurement.samples import PeakSamples
from tests.tiny import CHANNELS, SIZE


def test_operations_of_a_network_are_twice_its_multiplications(made_bundle: Path) -> None:
    half = SIZE // 2
    multiplications = SIZE * SIZE * CHANNELS * 3 * 9 + half * half * CHANNELS * CHANNELS * (9 + 1) + CHANNELS * 2
    assert count_operations(made_bundle.with_name("model.fp32.onnx")) == 2 * multiplications


@pytest.mark.parametrize("precision", PEAK_PRECISIONS)
def test_each_kernel_runs(precision: PeakPrecision) -> None:
    with load_kernel(precision) as kernel:
        assert fastest_call(kernel, 2, 1.0) > 0
    assert OPERATIONS[precision] > 1e9


def test_the_peak_is_that_of_the_fastest_call() -> None:
    assert PeakSamples(precision="int8").gops is None
    peak = PeakSamples(precision="int8", seconds=[0.02, 0.01])
    assert peak.gops == gops("int8", 0.01) == pytest.approx(2 * 1024**3 / 0.01 / 1e9)
