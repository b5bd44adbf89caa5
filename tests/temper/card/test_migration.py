"""Cards of schema 1: those in the folder schema1 were written by Temper 0.1, and shortened."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from temper.artifact import Artifact
from temper.card import BatchRange, Card, FileReference, LabelFlip, LayerSensitivity, Preprocessing, read_card
from temper.card.migration import migrate
from temper.errors import ArtifactError
from tests import tiny

SCHEMA_1 = Path(__file__).with_name("schema1")


def former(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((SCHEMA_1 / f"{name}.json").read_text())
    return content


def read(folder: Path, name: str, **changed: object) -> Card:
    (folder / name).touch()
    (folder / f"{name}.json").write_text(json.dumps({**former(name), **changed}))
    return read_card(folder / name)


def test_a_trained_model_starts_its_chain_and_has_no_source(tmp_path: Path) -> None:
    card = read(tmp_path, "model.keras")
    assert (card.labels, card.size, card.precision, card.batch) == (("cat", "dog"), 64, "fp32", None)
    assert card.sha256.startswith("a3173a33")
    assert card.model_sha256 == card.sha256
    assert card.confidence_threshold == 0.76007
    assert (card.golden, card.calibration, card.plan, card.agreement, card.not_run) == (None, None, None, None, "")
    assert card.provenance.source is None
    assert card.provenance.settings == {}
    assert card.provenance.versions["keras"] == "3.15.1"
    assert card.host.device == "CPU"
    assert card.schema == 2
    assert card.preprocessing == Preprocessing()


def test_the_result_of_a_training_is_apart_from_its_configuration(tmp_path: Path) -> None:
    training = read(tmp_path, "model.keras").training
    assert training is not None
    assert training.config["backbone"] == "resnet50"
    assert training.config["augmentation"]["zoom"] == 0.05
    assert not {"found", "pictures"} & training.config.keys()
    result = training.result
    assert (result.images, result.accuracy, result.interval) == (400, 0.9575, (0.932998, 0.973298))
    assert (result.temperature, result.ece_before, result.ece_after) == (0.612889, 0.036423, 0.016568)
    assert (result.seconds, result.known) == (359.41, None)


def test_the_dataset_has_its_folder_title_and_split(tmp_path: Path) -> None:
    dataset = read(tmp_path, "model.keras").dataset
    assert dataset is not None
    assert (dataset.folder, dataset.title, dataset.split.file) == (
        "/data/drawn-sample", "drawn sample", "model.split.csv",
    )  # fmt: skip


def test_a_count_of_images_is_no_title(tmp_path: Path) -> None:
    """In converted artifacts of schema 1 the same key holds the number of calibration images."""
    assert former("model.int8.onnx")["recipe"]["pictures"] == 256
    dataset = read(tmp_path, "model.int8.onnx").dataset
    assert dataset is not None
    assert dataset.title == ""


def test_a_converted_artifact_has_its_source_and_settings(tmp_path: Path) -> None:
    card = read(tmp_path, "model.int8.onnx")
    assert card.precision == "int8"
    assert card.training is None
    assert card.provenance.source is not None
    assert card.provenance.source.file == "model.fp32.onnx"
    assert card.model_sha256.startswith("a3173a33")
    assert card.provenance.settings == {"to": "onnx", "method": "auto", "pictures": 256, "seed": 0, "keep": 8}
    assert card.provenance.build_seconds == 1.6
    assert (card.provenance.temper, card.provenance.commit) == ("", "")
    assert (card.host.cores, card.host.memory_gib, card.host.system) == (2, 24, "Linux x86_64")
    assert isinstance(card.golden, FileReference)


def test_the_agreement_and_its_flips_get_their_new_names(tmp_path: Path) -> None:
    agreement = read(tmp_path, "model.int8.onnx").measured_agreement
    assert agreement is not None
    assert (agreement.images, agreement.top1, agreement.agreement) == (400, 0.9575, 0.995)
    assert (agreement.regressed, agreement.improved, agreement.worst_class) == (1, 1, "cat")
    assert agreement.max_difference == 0.3965885639190674
    assert agreement.flips[0] == LabelFlip(file="dog.00039.jpg", truth="dog", keras="dog", predicted="cat")


def test_the_calibration_of_int8_has_its_images_and_methods(tmp_path: Path) -> None:
    calibration = read(tmp_path, "model.int8.onnx").calibration
    assert calibration is not None
    assert (calibration.images, calibration.seed, calibration.method) == (256, 0, "percentile")
    assert calibration.files == ("cat/cat.00140.jpg", "dog/dog.00851.jpg")
    assert set(calibration.mean_abs_diff) == {"percentile", "max", "entropy"}
    assert (calibration.excluded, calibration.excluded_nodes, calibration.slowdown) == ((), (), None)


def test_layers_that_stayed_in_floating_point_have_their_sensitivity(tmp_path: Path) -> None:
    old = former("model.int8.onnx")["calibration"]
    repaired = {**old, "kept": [{"layer": "conv1", "damage": 0.02}], "slower": 1.25}
    calibration = read(tmp_path, "model.int8.onnx", calibration=repaired).calibration
    assert calibration is not None
    assert calibration.excluded == (LayerSensitivity("conv1", 0.02),)
    assert calibration.slowdown == 1.25


def test_nodes_that_stayed_in_fp32_are_listed_by_name(tmp_path: Path) -> None:
    old = former("model.fp16.onnx")["calibration"]
    calibration = read(tmp_path, "model.fp16.onnx", calibration={**old, "kept": ["softmax"]}).calibration
    assert calibration is not None
    assert (calibration.max_activation, calibration.excluded_nodes, calibration.method) == (255.0, ("softmax",), "")


def test_a_plan_that_could_not_be_run_has_the_reason_and_no_agreement_of_its_own(tmp_path: Path) -> None:
    card = read(tmp_path, "model.int8.plan")
    assert card.batch == BatchRange(1, 8, 32)
    assert card.plan is not None
    assert (card.plan.module, card.plan.version, card.plan.kernels) == ("tensorrt_rtx", "1.7.1.116", "53 int8, 2 fp32")
    assert card.plan.timing_cache == "tensorrt-rtx-1.7.1.116.timing b63e7e3dc989"
    assert card.not_run.startswith("artifacts/demo/model.int8.plan runs on an NVIDIA GPU")
    assert card.agreement is not None
    assert card.measured_agreement is None


def test_a_plan_has_its_gpu_its_targets_and_the_runtime_that_built_it(tmp_path: Path) -> None:
    made_on = former("model.int8.plan")["made_on"]
    made_on |= {"gpu": "NVIDIA L4", "compute_capability": "8.9", "driver": "580.1", "portable": "version ampere"}
    made_with = {"python": "3.11.7", "tensorrt": "10.9.0.34"}
    plan = read(tmp_path, "model.int8.plan", made_on=made_on, made_with=made_with).plan
    assert plan is not None
    assert (plan.module, plan.gpu, plan.compute_capability, plan.driver) == ("tensorrt", "NVIDIA L4", "8.9", "580.1")
    assert (plan.portable, plan.compute_capabilities) == (("version", "ampere"), ())
    plan = read(tmp_path, "model.int8.plan", made_on={**made_on, "targets": "8.6 12.0"}).plan
    assert plan is not None
    assert (plan.module, plan.compute_capabilities) == ("tensorrt_rtx", ("8.6", "12.0"))


def test_what_was_optional_and_is_missing_has_its_default(tmp_path: Path) -> None:
    card = Card(labels=("a", "b"), size=8)
    assert read_migrated({"labels": ["a", "b"], "size": 8, "schema": 1}, tmp_path) == card


def test_an_artifact_that_was_not_run_may_have_the_reason_alone(tmp_path: Path) -> None:
    card = read(tmp_path, "model.int8.onnx", agreement={"not_run": "no GPU"})
    assert (card.agreement, card.not_run) == (None, "no GPU")


def agreement_without(*names: str) -> dict[str, Any]:
    return {key: value for key, value in former("model.int8.onnx")["agreement"].items() if key not in names}


@pytest.mark.parametrize(
    "changed",
    [
        {"agreement": agreement_without("cosine")},
        {"agreement": {**agreement_without(), "invented": 1}},
        {"agreement": {**agreement_without(), "flips": [{"file": "a.jpg"}]}},
        {"calibration": {"pictures": 256}},
        {"split": {"file": "model.split.csv"}},
        {"made_on": {"cores": "two"}},
        {"recipe": "fp32", "made_from": {}},
        {"made_from": {"file": "model.fp32.onnx"}},
    ],
)
def test_a_damaged_record_is_an_artifact_error(tmp_path: Path, changed: dict[str, object]) -> None:
    with pytest.raises(ArtifactError, match="is not a valid card"):
        read(tmp_path, "model.int8.onnx", **changed)


def test_the_old_card_is_not_changed() -> None:
    old = former("model.int8.plan")
    migrate(old)
    assert old == former("model.int8.plan")


def test_an_artifact_with_a_card_of_schema_1_is_verified_and_loaded(bundle: Path) -> None:
    from temper.runners.load import open_runner

    artifact = Artifact.at(bundle.with_name("model.fp32.onnx"))
    old = {"labels": list(tiny.LABELS), "size": tiny.SIZE, "sha256": artifact.sha256(), "schema": 1}
    artifact.card_path.write_text(json.dumps(old))
    with open_runner(artifact.verified()) as runner:
        assert runner.card.labels == tiny.LABELS


def read_migrated(fields: dict[str, object], folder: Path) -> Card:
    (folder / "a.onnx").touch()
    (folder / "a.onnx.json").write_text(json.dumps(fields))
    return read_card(folder / "a.onnx")


def test_reading_does_not_rewrite_the_card(tmp_path: Path) -> None:
    shutil.copy(SCHEMA_1 / "model.keras.json", tmp_path)
    (tmp_path / "model.keras").touch()
    read_card(tmp_path / "model.keras")
    assert (tmp_path / "model.keras.json").read_bytes() == (SCHEMA_1 / "model.keras.json").read_bytes()
