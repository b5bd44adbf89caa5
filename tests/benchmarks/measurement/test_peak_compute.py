from pathlib import Path

import numpy as np
import pytest

from benchmarks.measurement.peak_compute import OPERATIONS, operations_of, peak_openers
from tests.tiny import CHANNELS, SIZE


def test_operations_of_a_network_are_twice_its_multiplications(made_bundle: Path) -> None:
    half = SIZE // 2
    multiplications = SIZE * SIZE * CHANNELS * 3 * 9 + half * half * CHANNELS * CHANNELS * (9 + 1) + CHANNELS * 2
    assert operations_of(made_bundle.with_name("model.fp32.onnx")) == 2 * multiplications


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_each_kernel_runs_and_says_what_it_is(precision: str) -> None:
    with peak_openers()[precision]() as kernel:
        kernel.predict(np.zeros((1, 1, 1, 3), dtype=np.uint8))
        assert kernel.facts()["executed"] == precision
    assert OPERATIONS[precision] > 1e9
