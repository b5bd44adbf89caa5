import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from convert import targets
from convert.exporters.tftrt import calibration_batches
from convert.job import CardFields, Job
from convert.pipeline import Pipeline
from convert.targets import conversion_of, default_targets, source_of
from temper.artifact import Artifact
from temper.card import BatchRange, Card, FileReference, Precision
from temper.errors import ArtifactError, MissingRuntime, UsageError
from temper.system.gpu import find_gpu
from tests import tiny


@pytest.fixture
def pipeline(bundle: Path) -> Pipeline:
    return tiny.pipeline_of(bundle, calibration_method="max")


def build(pipeline: Pipeline, name: str, precision: Precision = "fp32") -> Card:
    return pipeline.build(Artifact.at(pipeline.dataset.model.path.with_name(name)), precision).card


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_openvino_is_converted_through_the_onnx_file_of_its_precision(pipeline: Pipeline, precision: Precision) -> None:
    model = pipeline.dataset.model
    card = build(pipeline, f"model.{precision}.xml", precision)
    assert card.precision == precision
    onnx = model.sibling(precision, ".onnx").card
    assert card.provenance.source == FileReference(f"model.{precision}.onnx", onnx.sha256)
    assert onnx.provenance.source is not None
    assert onnx.provenance.source.file == "model.fp32.onnx"
    assert card.agreement is not None
    assert card.agreement.agreement == 1


@pytest.mark.parametrize(
    ("target", "precision", "source"),
    [
        ("model.fp32.onnx", "fp32", "model.keras"),
        ("model.fp32.xml", "fp32", "model.fp32.onnx"),
        ("model.int8.onnx", "int8", "model.fp32.onnx"),
        ("model.int8.xml", "int8", "model.int8.onnx"),
    ],
)
def test_the_source_of_a_target_is_the_model_or_a_sibling(target: str, precision: Precision, source: str) -> None:
    conversion = conversion_of(Artifact.at(Path("folder") / target), precision)
    assert source_of(Artifact.at("folder/model.keras"), conversion).path == Path("folder") / source


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_every_target_of_an_adopted_onnx_file_is_converted_from_it(bundle: Path, precision: Precision) -> None:
    adopted = Artifact.at(tiny.adopt(bundle))
    names = [each.name for each in default_targets(adopted, precision)]
    assert {f"model.{precision}.xml"} <= set(names)
    assert not {"model.fp32.savedmodel", "model.fp32.onnx"} & set(names)
    card = build(tiny.pipeline_of(adopted.path, calibration_method="max"), f"model.{precision}.xml", precision)
    assert card.provenance.model_sha256 == adopted.card.sha256
    assert card.measured_agreement and card.measured_agreement.agreement >= 0.9


def test_what_keras_exports_is_no_target_of_an_adopted_onnx_file_nor_is_the_file_itself(bundle: Path) -> None:
    pipeline = tiny.pipeline_of(tiny.adopt(bundle))
    with pytest.raises(UsageError, match=r"model\.fp32\.onnx was not adopted from Keras"):
        build(pipeline, "model.fp32.savedmodel")
    with pytest.raises(UsageError, match=r"model\.fp32\.onnx is the model itself"):
        build(pipeline, "model.fp32.onnx")


def test_the_model_of_a_target_is_the_keras_file_or_the_onnx_file_that_was_adopted(bundle: Path) -> None:
    keras, fp32 = Artifact.at(bundle), Artifact.at(bundle.with_name("model.fp32.onnx"))
    assert (keras.is_model, fp32.is_model) == (True, False)
    assert fp32.model() == keras
    adopted = Artifact.at(tiny.adopt(bundle))
    assert adopted.is_model
    converted = Artifact.at(bundle.with_name("model.fp16.onnx"))
    assert tiny.pipeline_of(adopted.path).build(converted, "fp16").card.adopted == adopted.card.adopted
    assert not Artifact.at(converted.path).is_model
    assert Artifact.at(converted.path).model() == adopted


def test_a_plan_records_that_it_could_not_run_here(pipeline: Pipeline) -> None:
    try:
        card = build(pipeline, "model.fp16.plan", "fp16")
    except MissingRuntime as missing:
        pytest.skip(str(missing))
    assert card.batch == BatchRange(1, 8, 32)
    assert card.plan is not None
    assert card.not_run or (card.agreement is not None and card.agreement.agreement == 1)
    assert card.not_run.startswith("model.fp16.plan runs on an NVIDIA GPU") is (find_gpu() is None)


def test_builder_options_are_recorded_and_take_effect(bundle: Path) -> None:
    pipeline = tiny.pipeline_of(bundle, builder_options=("profiles=1:1:1",), batch=BatchRange(2, 4, 16))
    try:
        card = build(pipeline, "model.fp32.plan")
    except MissingRuntime as missing:
        pytest.skip(str(missing))
    assert card.batch == BatchRange(1, 4, 16)
    assert card.provenance.settings == {"batch": [2, 4, 16], "builder_options": ["profiles=1:1:1"]}
    target = Artifact.at(bundle.with_name("model.fp32.plan"))
    assert pipeline.is_current(target, Artifact.at(bundle.with_name("model.fp32.onnx")), "fp32")


def test_tftrt_is_converted_from_the_saved_model_with_training_images(
    pipeline: Pipeline, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[tuple[object, ...]] = []

    def saving(job: Job) -> Iterator[CardFields]:
        shutil.copytree(bundle.parent / "images" / "red", job.target)
        yield CardFields()

    def refusing(job: Job) -> Iterator[CardFields]:
        images = sum(len(batch) for batch in calibration_batches(job))
        jobs.append((job.source.name, job.target.name, job.precision, job.settings.batch, images))
        raise MissingRuntime("this TensorFlow has no TensorRT")
        yield

    def absent(*_: object, **__: object) -> object:
        raise MissingRuntime("TensorFlow is not installed")

    monkeypatch.setattr("convert.exporters.saved_model.convert", saving)
    monkeypatch.setattr("convert.exporters.tftrt.convert", refusing)
    monkeypatch.setattr("convert.pipeline.load_runner", absent)
    with pytest.raises(MissingRuntime):
        build(pipeline, "model.int8.tftrt", "int8")
    assert jobs == [("model.fp32.savedmodel", "model.int8.tftrt", "int8", BatchRange(1, 8, 32), 48)]


def test_the_calibration_is_in_the_card_of_every_int8_artifact(pipeline: Pipeline) -> None:
    calibration = build(pipeline, "model.int8.xml", "int8").calibration
    assert calibration is not None
    assert calibration.method == "max"


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("model.h5", ArtifactError, "no suffix that Temper knows"),
        ("other.keras", UsageError, r"is no target of a conversion\. Expected one of \.savedmodel"),
    ],
)
def test_an_impossible_target_is_an_error_that_lists_the_possible_ones(
    pipeline: Pipeline, name: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        build(pipeline, name)


def test_a_saved_model_in_half_precision_is_refused(pipeline: Pipeline) -> None:
    with pytest.raises(UsageError, match=r"a \.savedmodel artifact is always fp32"):
        build(pipeline, "model.fp16.savedmodel", "fp16")


def test_a_name_that_claims_another_precision_is_refused(pipeline: Pipeline, bundle: Path) -> None:
    before = bundle.with_name("model.fp32.onnx").read_bytes()
    with pytest.raises(UsageError, match=r"is named for fp32, but the precision is fp16\. Use --precision fp32"):
        build(pipeline, "model.fp32.onnx", "fp16")
    assert bundle.with_name("model.fp32.onnx").read_bytes() == before
    assert conversion_of(Artifact.at("my.model.onnx"), "int8").source == ".onnx"


def test_without_tensorrt_the_onnx_file_is_still_converted_and_verified(
    pipeline: Pipeline, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*_: object, **__: object) -> object:
        raise MissingRuntime("TensorRT is not installed")

    monkeypatch.setattr("convert.trt.to_tensorrt.find_tensorrt", absent)
    with pytest.raises(MissingRuntime):
        build(pipeline, "model.fp16.plan", "fp16")
    agreement = Artifact.at(bundle.with_name("model.fp16.onnx")).card.agreement
    assert agreement is not None
    assert agreement.agreement == 1
    assert not list(bundle.parent.glob("*.plan*"))


@pytest.mark.parametrize(("can_compile", "plans"), [(True, ["model.int8.plan"]), (False, [])])
def test_default_targets_are_the_formats_that_can_be_built_here(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, can_compile: bool, plans: list[str]
) -> None:
    monkeypatch.setattr("convert.trt.find.can_compile", lambda: can_compile)
    monkeypatch.setattr(targets, "find_spec", lambda module: module != "tensorflow")
    names = [target.name for target in default_targets(Artifact.at(bundle), "int8")]
    assert names == ["model.int8.onnx", "model.int8.xml", *plans]
    assert default_targets(Artifact.at(bundle), "fp32")[0].name == "model.fp32.onnx"
