from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.measurement.end_to_end import BATCH, decode_seconds, enlarge, label_one_by_one, label_overlapped
from temper.artifact import Artifact
from temper.card import Card
from temper.runners.base import Images, Probabilities, Runner

SIZE = 4


class BrightnessRunner(Runner):
    """Label 1 for bright images; records the sizes of its batches."""

    def _load(self) -> None:
        self.batches: list[int] = []

    def _run(self, images: Images) -> Probabilities:
        self.batches.append(len(images))
        is_bright = (images.mean(axis=(1, 2, 3)) > 127).astype(int)
        probabilities: Probabilities = np.eye(2, dtype=np.float32)[is_bright]
        return probabilities


@pytest.fixture
def runner() -> BrightnessRunner:
    card = Card(labels=("dark", "bright"), size=SIZE)
    return BrightnessRunner(Artifact.with_card(Path("model.onnx"), card))


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{i}.png" for i in range(BATCH + 2)]
    for i, path in enumerate(paths):
        Image.new("RGB", (20, 10), "white" if i % 3 == 0 else "black").save(path)
    return paths


def test_both_methods_give_a_label_for_each_file(runner: BrightnessRunner, files: list[Path]) -> None:
    expected = tuple(int(i % 3 == 0) for i in range(len(files)))
    one_by_one = label_one_by_one(runner, files)
    assert (one_by_one.labels, runner.batches) == (expected, [1] * len(files))
    runner.batches.clear()
    overlapped = label_overlapped(runner, files)
    assert (overlapped.labels, runner.batches) == (expected, [BATCH, 2])
    for run in (one_by_one, overlapped):
        assert 0 < run.waiting_seconds + run.network_seconds <= run.seconds


def test_a_file_is_decoded_both_ways_and_enlarged(files: list[Path], tmp_path: Path) -> None:
    assert min(decode_seconds(files[0], SIZE)) > 0
    with Image.open(enlarge(files[0], tmp_path / "large.jpg")) as image:
        assert (image.size, image.format) == ((4000, 3000), "JPEG")
