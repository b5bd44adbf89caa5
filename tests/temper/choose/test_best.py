import json
import logging
from pathlib import Path

import msgspec
import pytest

import temper
from temper.artifact import Artifact
from temper.card import write_card
from temper.choose import best as choose_module
from temper.choose import choose
from temper.errors import ArtifactError, IncompatibleMachine
from temper.formats import FORMATS
from temper.storage.digest import _digest
from temper.system.environment import Environment
from temper.system.host import describe_host
from temper.trust.keys import own_key
from temper.trust.signature import sign
from tests import tiny


@pytest.fixture
def folder(bundle: Path) -> Path:
    """A folder with model.fp32.onnx, a copy of it that is called int8, and a model.keras that nothing runs here."""
    fp32 = Artifact.at(bundle.with_name("model.fp32.onnx"))
    copy = fp32.sibling("int8", ".onnx")
    copy.path.write_bytes(fp32.path.read_bytes())
    write_card(copy.path, fp32.card.changed(precision="int8"))
    return bundle.parent


@pytest.fixture(autouse=True)
def only_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = Environment(modules=frozenset({"onnxruntime", "onnx"}))
    monkeypatch.setattr(choose_module, "detect_environment", lambda: environment)


def write_report(folder: Path, rates: dict[str, float], **changes: object) -> None:
    artifacts = [Artifact.at(folder / name) for name in rates]
    estimates = [{"value": rate, "low": rate, "high": rate} for rate in rates.values()]
    cases = [
        {"artifact": each.name, "sha256": each.card.sha256, "throughput": [{"batch": 8, "images_per_second": rate}],
         "accuracy": {"drop": {"value": changes.get(each.name, 0.0)}}}
        for each, rate in zip(artifacts, estimates, strict=True)
    ]  # fmt: skip
    host = msgspec.to_builtins(describe_host())
    (folder / "report").mkdir()
    fields = {"host": {**host, **{k: v for k, v in changes.items() if k in host}}, "cases": cases}
    (folder / "report" / "report.json").write_text(json.dumps(fields))


def test_an_adopted_model_and_what_is_converted_from_it_are_of_one_model(bundle: Path) -> None:
    adopted = tiny.adopt(bundle)
    tiny.pipeline_of(adopted).build(Artifact.at(adopted).sibling("fp16", ".onnx"), "fp16")
    assert choose(adopted.parent).path == adopted


@pytest.mark.parametrize(("name", "times"), [("", 1), ("model.fp32.onnx", 0)])
def test_files_are_hashed_once_to_choose_among_them_and_otherwise_as_they_are_loaded(
    name: str, times: int, folder: Path
) -> None:
    before = _digest.cache_info().misses
    with temper.load(folder / name):
        assert _digest.cache_info().misses - before == times


def test_without_a_measurement_the_order_of_formats_decides_and_is_logged(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "temper")
    assert choose(str(folder)).name == "model.int8.onnx"
    assert f"{folder / 'model.int8.onnx'}: int8, ONNX Runtime; the first of Temper's order" in caplog.text


def test_the_measured_throughput_on_this_kind_of_machine_decides(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "temper")
    write_report(folder, {"model.fp32.onnx": 120.0, "model.int8.onnx": 80.0})
    assert choose(folder).name == "model.fp32.onnx"
    assert "the fastest in report/report.json, measured on this kind of machine: 120/s" in caplog.text


@pytest.mark.parametrize("change", [{"cores": 999}, {"processor": "another"}, {"model.fp32.onnx": 0.006}])
def test_a_report_of_another_machine_or_with_a_drop_of_accuracy_does_not_decide(
    change: dict[str, object], folder: Path
) -> None:
    write_report(folder, {"model.fp32.onnx": 120.0}, **change)
    assert choose(folder).name == "model.int8.onnx"


def test_a_report_of_other_files_or_a_damaged_one_does_not_decide(folder: Path) -> None:
    write_report(folder, {"model.fp32.onnx": 120.0})
    report = folder / "report" / "report.json"
    report.write_text(report.read_text().replace(Artifact.at(folder / "model.fp32.onnx").card.sha256, "0" * 64))
    assert choose(folder).name == "model.int8.onnx"
    for text in ("{", 100_000 * "["):
        report.write_text(text)
        assert choose(folder).name == "model.int8.onnx"


def test_damaged_artifacts_and_those_without_a_card_or_rejected_are_left_out(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    int8 = folder / "model.int8.onnx"
    int8.with_name("model.int8.onnx.rejected").write_bytes(b"x")
    int8.with_name("other.int8.xml").write_bytes(b"x")
    int8.write_bytes(int8.read_bytes() + b"x")
    assert choose(folder).name == "model.fp32.onnx"
    assert "model.int8.onnx is not the file that its card describes" in caplog.text
    (folder / "model.int8.onnx.json").write_text("[")
    assert choose(folder).name == "model.fp32.onnx"


def test_artifacts_of_several_models_are_an_error_that_names_one(folder: Path) -> None:
    other = folder / "other.fp32.onnx"
    other.write_bytes((folder / "model.fp32.onnx").read_bytes())
    write_card(other, Artifact.at(folder / "model.fp32.onnx").card)
    with pytest.raises(ArtifactError, match=r"artifacts of 2 models .*other\.fp32\.onnx.*Name the artifact itself"):
        choose(folder)


def test_an_artifact_from_before_a_new_training_is_not_mixed_with_later_ones(folder: Path) -> None:
    artifact = Artifact.at(folder / "model.int8.onnx")
    provenance = msgspec.structs.replace(artifact.card.provenance, model_sha256="0" * 64)
    write_card(artifact.path, artifact.card.changed(provenance=provenance))
    with pytest.raises(ArtifactError, match="before and after a training"):
        choose(folder)


def test_a_folder_without_artifacts_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="contains no artifact with a card"):
        choose(tmp_path)


def test_when_none_runs_here_every_reason_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose_module, "detect_environment", Environment)
    with pytest.raises(IncompatibleMachine, match=r"Not installed: onnxruntime and onnx; .*temper doctor"):
        choose(folder)


def test_a_folder_without_any_that_is_intact_is_an_error(folder: Path) -> None:
    for name in ("model.int8.onnx", "model.fp32.onnx"):
        (folder / name).write_bytes(b"x")
    with pytest.raises(ArtifactError, match="is damaged"):
        choose(folder)


def test_a_folder_is_loaded_from_python(folder: Path) -> None:
    image = next((folder / "images").rglob("*.png"))
    with temper.load(folder) as classifier:
        assert next(classifier(image)).label in classifier.labels


def test_every_format_has_a_preference_of_its_own_for_every_precision() -> None:
    for each in FORMATS:
        assert each.preference.keys() == (each.conversions.keys() or {"fp32"})
    numbers = [number for each in FORMATS for number in each.preference.values()]
    assert len(set(numbers)) == len(numbers)


def test_an_artifact_that_may_not_be_loaded_is_left_out_with_a_warning(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sign(Artifact.at(folder / "model.fp32.onnx"), own_key())
    assert choose(folder, require_signature=True).name == "model.fp32.onnx"
    assert "model.int8.onnx is not signed, and a signature is required" in caplog.text
    (folder / "model.fp32.onnx.sig").unlink()
    with pytest.raises(ArtifactError, match="is damaged, or of unknown origin"):
        choose(folder, require_signature=True)
