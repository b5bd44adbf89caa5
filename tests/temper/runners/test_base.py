"""What Runner itself does, with a network that is a function; the contract of all formats is in test_contract.py."""

from pathlib import Path

import numpy as np
import pytest

from temper.artifact import Artifact
from temper.card import BatchRange, Card
from temper.errors import ArtifactError, InvalidPredictions, MissingRuntime
from temper.runners.base import Images, Probabilities, Runner

SIZE = 4


class CountingRunner(Runner):
    """Records the size of each batch; the probability of the first class is the brightness of the first pixel."""

    def _load(self) -> None:
        self.batches: list[int] = []

    def _run(self, images: Images) -> Probabilities:
        self.batches.append(len(images))
        first = images[:, 0, 0, 0].astype(np.float32) / 255
        return np.stack([first, 1 - first], axis=1)


def runner(batch: BatchRange | None = None) -> CountingRunner:
    card = Card(labels=("a", "b"), size=SIZE, batch=batch)
    return CountingRunner(Artifact.with_card(Path("model.onnx"), card))


def images(n: int) -> Images:
    return np.arange(n * SIZE * SIZE * 3).astype(np.uint8).reshape(n, SIZE, SIZE, 3)


def test_batches_do_not_exceed_the_largest_of_the_card_and_results_stay_in_order() -> None:
    limited = runner(BatchRange(1, 2, 3))
    assert (limited.predict(images(7)) == runner().predict(images(7))).all()
    assert limited.batches == [3, 3, 1]


def test_without_a_range_all_images_are_one_batch() -> None:
    unlimited = runner()
    unlimited.predict(images(7))
    assert unlimited.batches == [7]


@pytest.mark.parametrize("wrong", [images(0), images(2).astype(np.float32), images(1)[0], images(2)[:, :3]])
def test_what_is_refused_does_not_reach_the_runtime(wrong: Images) -> None:
    strict = runner()
    with pytest.raises(ValueError, match=r"expected uint8 images \[n, 4, 4, 3\]"):
        strict.predict(wrong)
    assert not strict.batches


class LogitsRunner(CountingRunner):
    """Gives logits in place of probabilities."""

    def _run(self, images: Images) -> Probabilities:
        return 100 * super()._run(images)


def test_values_that_are_no_probabilities_are_an_error_of_their_own() -> None:
    card = Card(labels=("a", "b"), size=SIZE)
    with pytest.raises(InvalidPredictions, match=r"model\.onnx gives rows whose sum is 100 in place of probabilities"):
        LogitsRunner(Artifact.with_card(Path("model.onnx"), card)).predict(images(3))


def test_as_many_values_as_labels_are_expected() -> None:
    card = Card(labels=("a", "b", "c"), size=SIZE)
    with pytest.raises(InvalidPredictions, match=r"shape \[3, 2\] where \[3, 3\] was expected"):
        CountingRunner(Artifact.with_card(Path("model.onnx"), card)).predict(images(3))


class BrokenRunner(CountingRunner):
    """Its library fails."""

    error: Exception = RuntimeError("[ONNXRuntimeError] : shapes differ.\nsecond line")

    def _run(self, images: Images) -> Probabilities:
        raise self.error


def test_an_error_of_the_library_is_one_sentence_and_keeps_its_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = BrokenRunner(Artifact.with_card(Path("model.onnx"), Card(labels=("a", "b"), size=SIZE)))
    with pytest.raises(ArtifactError, match=r"cannot be run by ONNX Runtime: second line\. C") as e:
        broken.predict(images(1))
    assert e.value.__cause__ is broken.error
    for error in (MissingRuntime("no GPU"), MemoryError()):
        monkeypatch.setattr(BrokenRunner, "error", error)
        with pytest.raises(type(error)):
            broken.predict(images(1))
