"""From samples with known values to figures."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.cases import Case
from benchmarks.measurement.samples import Samples
from benchmarks.measurement.timing import Calls
from choose.options import Network
from choose.summary import HeldOut, Session, pick_baseline, summarize_session
from temper.artifact import Artifact
from temper.card import Card, Precision
from temper.dataset.split import Example, Subset
from temper.errors import MissingRuntime, UserError
from temper.runners.base import Probabilities, Runner

LABELS = ("cat", "dog")


def examples(subset: Subset, n: int) -> list[Example]:
    return [Example(path=Path(f"{i}.jpg"), label=LABELS[i % 2], subset=subset, sha256="") for i in range(n)]


HELD_OUT = HeldOut(validation=examples("val", 10), test=examples("test", 20))


def calls(seconds: float, batch: int) -> Calls:
    return Calls(batch=batch, wall_seconds=(seconds,) * 3, cpu_seconds=(seconds,) * 3, total_seconds=3 * seconds)


def predicted(wrong_validation: int, wrong_test: int) -> Probabilities:
    """Sure predictions for all images, the first ones of either subset wrong."""
    truth = np.array([LABELS.index(each.label) for each in (*HELD_OUT.validation, *HELD_OUT.test)])
    truth[:wrong_validation] = 1 - truth[:wrong_validation]
    truth[10 : 10 + wrong_test] = 1 - truth[10 : 10 + wrong_test]
    return np.asarray(np.eye(2, dtype=np.float32)[truth])


def no_runner() -> Runner:
    raise MissingRuntime("no such runtime")


def samples(network: Network, name: str, seconds: float, probabilities: Probabilities | None = None) -> Samples:
    precision: Precision = "int8" if "int8" in name else "fp32"
    card = Card(labels=LABELS, size=network.size, precision=precision)
    # The size of its files is part of the figures.
    artifact = Artifact.with_card(network.folder / f"model.{name}", card)
    made = Samples(case=Case(name=f"{network.name} {name}", artifact=artifact), open_runner=no_runner)
    made.latency = [calls(seconds, 1)] * 4
    made.throughput = {batch: [calls(batch * seconds, batch)] * 4 for batch in (1, 8)}
    made.probabilities = predicted(0, 0) if probabilities is None else probabilities
    return made


def network(backbone: str, size: int, folder: Path = Path("out")) -> Network:
    return Network(backbone=backbone, size=size, weights="imagenet", folder=folder / f"{backbone}-{size}")


def session(*pairs: tuple[Samples, Network]) -> Session:
    return Session(samples=dict(pairs), held_out=HELD_OUT, control=None, conditions={})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files whose size can be asked for."""
    for name in ("resnet50-64/model.int8.onnx", "small-64/model.int8.onnx"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"12345678")
    return tmp_path


def test_validation_and_test_images_are_never_mixed(folder: Path) -> None:
    large, small = network("resnet50", 64, folder), network("small", 64, folder)
    baseline = samples(large, "int8.onnx", 0.02, predicted(2, 0))
    better_on_validation = samples(small, "int8.onnx", 0.01, predicted(0, 5))
    made = summarize_session(session((baseline, large), (better_on_validation, small)), "", "key", 4.0)
    first, second = made.artifacts
    assert (made.validation_images, made.test_images) == (10, 20)
    assert (first.validation.value, second.validation.value) == (0.8, 1.0)
    assert first.test.accuracy and first.test.accuracy.top1.value == 1.0
    assert second.test.accuracy and second.test.accuracy.top1.value == 0.75
    points = second.points_from_baseline
    assert points and points.value == pytest.approx(-25) and points.high < 0


def test_speedups_are_over_the_baseline_by_batch_size(folder: Path) -> None:
    large, small = network("resnet50", 64, folder), network("small", 64, folder)
    pairs = (samples(large, "int8.onnx", 0.02), large), (samples(small, "int8.onnx", 0.01), small)
    baseline, other = summarize_session(session(*pairs), "", "key", 4.0).artifacts
    assert baseline.test.speedups == ()
    for batch in (None, 1, 8):
        ratio = other.test.speedup("resnet50-64 int8.onnx", batch)
        assert ratio and ratio.value == pytest.approx(2)
    assert other.path == "small-64/model.int8.onnx"
    assert other.megabytes == pytest.approx(8e-6)


def test_the_baseline_is_the_fastest_int8_artifact_of_resnet50_at_its_largest_size() -> None:
    small, large, other = network("resnet50", 64), network("resnet50", 96), network("small", 128)
    running = {
        samples(other, "int8.onnx", 0.001): other,
        samples(small, "int8.onnx", 0.002): small,
        samples(large, "fp32.onnx", 0.001): large,
        samples(large, "int8.onnx", 0.006): large,
        samples(large, "int8.xml", 0.005): large,
    }
    assert pick_baseline(running).name == "resnet50-96 int8.xml"
    assert pick_baseline(running, "small-128 int8.onnx").name == "small-128 int8.onnx"
    with pytest.raises(UserError, match=r"the baseline resnet50-64 fp32.xml did not run"):
        pick_baseline(running, "resnet50-64 fp32.xml")


def test_without_resnet50_the_baseline_is_of_the_first_network_and_int8_if_there_is_one() -> None:
    first, second = network("small", 64), network("large", 64)
    fp32, int8 = samples(first, "fp32.onnx", 0.001), samples(first, "int8.onnx", 0.002)
    assert pick_baseline({fp32: first, int8: first, samples(second, "int8.onnx", 0.0001): second}) is int8
    assert pick_baseline({fp32: first}) is fp32


def test_an_artifact_that_did_not_run_is_a_failure_and_all_of_them_are_an_error(folder: Path) -> None:
    large, small = network("resnet50", 64, folder), network("small", 64, folder)
    sound, broken = samples(large, "int8.onnx", 0.02), samples(small, "int8.onnx", 0.01)
    broken.skip(MissingRuntime("no such runtime"))
    made = summarize_session(session((sound, large), (broken, small)), "", "key", 4.0)
    assert [each.name for each in made.artifacts] == ["resnet50-64 int8.onnx"]
    assert [(each.name, each.reason) for each in made.failures] == [("small-64 int8.onnx", "no such runtime")]
    with pytest.raises(UserError, match=r"no artifact could be measured:\nsmall-64 int8\.onnx: no such runtime"):
        summarize_session(session((broken, small)), "", "key", 4.0)
