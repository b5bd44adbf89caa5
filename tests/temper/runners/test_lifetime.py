import dataclasses
import gc
from pathlib import Path

import numpy as np
import pytest

from convert.to_openvino import to_openvino
from temper.card import read_card
from temper.files import sha256_of
from temper.formats import load_runner

CYCLES = 1000
# A kilobyte a cycle would be a leak; allocators breathe by some megabytes.
MOST_GROWTH_MIB = 16


def resident_mib() -> float:
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * 4096 / 2**20


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
def test_memory_stays_flat_over_a_thousand_openings(bundle: Path, suffix: str) -> None:
    artifact = bundle.with_name("model.fp32.onnx")
    card = read_card(artifact)
    if suffix == ".xml":
        to_openvino(artifact, artifact.with_suffix(".xml"))
        artifact = artifact.with_suffix(".xml")
        card = dataclasses.replace(card, sha256=sha256_of(artifact, artifact.with_suffix(".bin")))
    picture = np.zeros((1, card.size, card.size, 3), np.uint8)
    resident = []
    for cycle in range(CYCLES + 200):
        with load_runner(artifact, card) as runner:
            runner.predict(picture)
        if cycle in (199, CYCLES + 199):
            gc.collect()
            resident.append(resident_mib())
    print(f"{suffix}: {resident[0]:.1f} to {resident[1]:.1f} MiB over {CYCLES} cycles")
    assert resident[1] - resident[0] < MOST_GROWTH_MIB
