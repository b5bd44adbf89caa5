"""One interleaved run of two real networks with other input sizes, in processes of its own."""

import dataclasses

import msgspec
import numpy as np
import pytest

from choose import measure as module
from choose.measure import Artifacts, MeasurementSettings, key_of, measure
from choose.records import Measurement
from temper.artifact import Artifact
from temper.card import FileReference, Host
from temper.cli.progress import no_progress
from temper.dataset.split import read_split
from temper.errors import UsageError
from temper.images import load_images
from temper.runners.load import open_runner
from tests.choose.networks import draw_dataset, make_network
from tests.tiny import LABELS

Run = tuple[Artifacts, MeasurementSettings]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("networks")
    training = draw_dataset(folder / "images")
    networks = [make_network(folder / "out", size, training) for size in (32, 48)]
    artifacts = [(each, Artifact.at(each.model.sibling("fp32", ".onnx").path)) for each in networks]
    return artifacts, MeasurementSettings(seconds=0.1, max_images=9, data=training.data)


@pytest.fixture(scope="module")
def measured(prepared: Run) -> Measurement:
    return measure(*prepared, no_progress)


@pytest.mark.programs
def test_networks_of_two_sizes_are_measured_side_by_side(measured: Measurement) -> None:
    assert measured.failures == ()
    assert [each.name for each in measured.artifacts] == ["mobilenetv2-32 fp32.onnx", "mobilenetv2-48 fp32.onnx"]
    assert measured.baseline == "mobilenetv2-32 fp32.onnx"
    assert measured.control is not None
    _, larger = measured.artifacts
    assert larger.test.latency and larger.test.speedup(measured.baseline) and larger.test.speedup(measured.baseline, 8)
    assert larger.test.costs.peak_rss_mib and larger.test.costs.cold_start_seconds


@pytest.mark.programs
def test_accuracies_are_those_of_either_subset_by_the_artifact_itself(prepared: Run, measured: Measurement) -> None:
    artifacts, settings = prepared
    for (_, artifact), row in zip(artifacts, measured.artifacts, strict=True):
        assert row.validation.value == accuracy(artifact, "val", settings)
        assert row.test.accuracy and row.test.accuracy.top1.value == accuracy(artifact, "test", settings)


def accuracy(artifact: Artifact, subset: str, settings: MeasurementSettings) -> float:
    every = read_split(artifact, subset, settings.data)  # type: ignore[arg-type]
    examples = every[:: -(-len(every) // settings.max_images)]
    assert 0 < len(examples) <= settings.max_images
    pixels = np.stack(list(load_images([each.path for each in examples], artifact.card.size)))
    with open_runner(artifact) as runner:
        labels = [LABELS[i] for i in runner.predict(pixels).argmax(axis=1)]
    return float(np.mean([label == each.label for label, each in zip(labels, examples, strict=True)]))


def test_the_key_is_that_of_content_and_settings(prepared: Run) -> None:
    artifacts, settings = prepared
    key = key_of(artifacts, settings)
    assert key == key_of(artifacts[::-1], settings)
    assert key != key_of(artifacts[:1], settings)
    for changed in ({"seconds": 1}, {"max_images": 8}, {"baseline": "mobilenetv2-48 fp32.onnx"}):
        assert key != key_of(artifacts, dataclasses.replace(settings, **changed))


def test_the_key_is_that_of_the_machine_the_versions_and_the_split(
    prepared: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts, settings = prepared
    key, (network, artifact), dataset = key_of(artifacts, settings), artifacts[0], artifacts[0][1].card.dataset
    assert dataset
    split = FileReference(dataset.split.file, "0" * 64)
    card = artifact.card.changed(dataset=msgspec.structs.replace(dataset, split=split))
    assert key != key_of([(network, Artifact.with_card(artifact.path, card)), *artifacts[1:]], settings)
    for name, value in (("describe_host", lambda: Host(processor="another")), ("package_versions", lambda *_: {})):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, value)
            assert key != key_of(artifacts, settings)
    assert key == key_of(artifacts, settings)


def test_an_unknown_baseline_is_refused_before_anything_is_measured(prepared: Run) -> None:
    artifacts, settings = prepared
    unknown = MeasurementSettings(seconds=1, max_images=9, data=settings.data, baseline="resnet50-224 int8.xml")
    with pytest.raises(UsageError, match=r"Expected one of mobilenetv2-32 fp32\.onnx, mobilenetv2-48 fp32\.onnx"):
        measure(artifacts, unknown, no_progress)
