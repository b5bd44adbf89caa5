import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.measurement import requests
from benchmarks.measurement.loading import load_case
from temper.artifact import Artifact
from temper.card import Card
from temper.runners.base import Images, Probabilities, Runner, RuntimeInfo
from tests.source import ROOT

ARTIFACT = Artifact.with_card(Path("model.onnx"), Card(labels=("a", "b"), size=2))


class CountingRunner(Runner):
    """Counts the images of its calls."""

    def runtime_info(self) -> RuntimeInfo:
        return RuntimeInfo(runtime="some runtime", device="CPU", executed="fp32")

    def _load(self) -> None:
        self.batches: list[int] = []

    def _run(self, images: Images) -> Probabilities:
        self.batches.append(len(images))
        return np.full((len(images), 2), 0.5, np.float32)


def test_a_case_is_ready_after_its_first_prediction(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.zeros((3, 2, 2, 3), np.uint8))
    started = time.monotonic()
    with load_case(partial(CountingRunner, ARTIFACT), {2: tmp_path / "images.npy"}) as case:
        assert isinstance(case.runner, CountingRunner)
        assert case.runner.batches == [1]
        assert case.images.shape == (3, 2, 2, 3)
        ready_at, info = requests.describe(case)
        assert started < ready_at < time.monotonic()
        assert info.runtime == "some runtime"


def test_a_cold_start_includes_no_library_that_the_case_does_not_use() -> None:
    code = (
        "import sys, benchmarks.measurement.loading, temper.runners.load\n"
        "print([each for each in ('numpy', 'PIL', 'rich', 'onnxruntime') if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "[]\n", done.stderr
