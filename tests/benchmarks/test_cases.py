import dataclasses
from pathlib import Path

import pytest

from benchmarks.cases import Case, find_cases, pick_baseline, pick_control
from temper.artifact import Artifact
from temper.card import Precision, write_card
from temper.errors import ArtifactError, UsageError
from tests import tiny
from tests.tiny import with_card


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    precisions: dict[str, Precision] = {"model.int8.onnx": "int8", "model.fp32.onnx": "fp32", "model.keras": "fp32"}
    for name, precision in precisions.items():
        (tmp_path / name).write_bytes(b"stand-in")
        with_card(tmp_path / name, precision)
    (tmp_path / "model.fp16.onnx").write_bytes(b"has no card")
    (tmp_path / "notes.txt").write_text("no artifact")
    return tmp_path


def names(cases: list[Case]) -> list[str]:
    return [case.name for case in cases]


def test_keras_comes_first_in_each_of_its_modes_then_files_by_name(folder: Path) -> None:
    keras = ["Keras tf.function", "Keras predict", "Keras predict_on_batch", "Keras XLA"]
    assert names(find_cases([folder])) == [*keras, "model.fp32.onnx", "model.int8.onnx"]
    assert names(find_cases([folder], quick=True))[:3] == [*keras[:2], "model.fp32.onnx"]


def test_an_artifact_is_listed_once_and_may_be_a_folder(folder: Path) -> None:
    file = folder / "model.int8.onnx"
    assert names(find_cases([file, file])) == ["model.int8.onnx"]
    saved_model = folder / "model.fp32.savedmodel"
    saved_model.mkdir()
    (saved_model / "saved_model.pb").write_bytes(b"stand-in")
    with_card(saved_model)
    assert names(find_cases([saved_model])) == ["model.fp32.savedmodel"]


def test_a_folder_without_artifacts_is_refused_with_a_remedy(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(ArtifactError, match=r"contains no artifact with a card.*`make train`"):
            find_cases([path])


def test_artifacts_of_different_models_are_refused(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.onnx"
    other.write_bytes(b"stand-in")
    card = with_card(other).card
    write_card(other, card.changed(labels=("green", "red")))
    with pytest.raises(UsageError, match="come from different models"):
        find_cases([folder / "model.fp32.onnx", other])


def test_the_baseline_is_the_best_mode_of_keras_that_ran(folder: Path) -> None:
    cases = find_cases([folder])
    baseline = pick_baseline(cases)
    assert baseline and baseline.name == "Keras tf.function"
    baseline = pick_baseline(case for case in cases if case.mode != "tf.function")
    assert baseline and baseline.name == "Keras predict_on_batch"
    baseline = pick_baseline(case for case in cases if case.mode == "predict")
    assert baseline and baseline.name == "Keras predict"
    assert pick_baseline(case for case in cases if not case.is_keras) is None


def test_an_adopted_onnx_file_is_the_baseline_where_there_is_no_keras(bundle: Path) -> None:
    adopted = tiny.adopt(bundle)
    tiny.pipeline_of(adopted).build(Artifact.at(adopted).sibling("fp16", ".onnx"), "fp16")
    cases = find_cases([adopted.parent])
    assert names(cases) == ["model.fp32.onnx", "model.fp16.onnx"]
    baseline = pick_baseline(cases)
    assert baseline and baseline.name == "model.fp32.onnx"
    assert pick_control(cases).name == "model.fp16.onnx"


def test_the_control_is_int8_and_rather_not_keras(folder: Path) -> None:
    cases = find_cases([folder])
    assert pick_control(cases).name == "model.int8.onnx"
    assert pick_control(cases[:-1]).name == "model.fp32.onnx"
    assert pick_control(cases[:4]).name == "Keras tf.function"


def test_only_keras_predict_is_the_mode_of_the_tutorials(folder: Path) -> None:
    assert names([case for case in find_cases([folder]) if case.is_tutorial]) == ["Keras predict"]
    onnx = Case(name="onnx", artifact=Artifact.at("model.onnx"), mode="predict")
    assert not onnx.is_tutorial
    assert dataclasses.replace(onnx, is_control=True).is_control
