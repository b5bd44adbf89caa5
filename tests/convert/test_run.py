from pathlib import Path

import msgspec
import pytest

from convert import run
from convert.pipeline import ConversionRejected, Pipeline
from temper.artifact import Artifact
from temper.card import read_card, write_card
from temper.errors import DataError, MissingRuntime, UsageError, UserError
from temper.exit_codes import ExitCode


def convert(*words: object) -> int:
    return run.run(run.parse([str(word) for word in words]))


@pytest.mark.parametrize(
    "error", [ConversionRejected("rejected: too many labels change"), MissingRuntime("OpenVINO is not installed")]
)
def test_an_error_is_raised_after_the_other_targets_are_converted(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: UserError
) -> None:
    made: list[str] = []

    def build(self: Pipeline, target: Artifact, precision: str, force: bool = False) -> None:
        if target.path.suffix == ".xml":
            raise error
        made.append(f"{target.name} {precision} {force}")

    monkeypatch.setattr(Pipeline, "build", build)
    targets = [bundle.with_name(f"model.fp16{suffix}") for suffix in (".xml", ".onnx")]
    with pytest.raises(type(error), match=str(error)) as caught:
        convert(bundle, *targets, "--precision", "fp16", "--force")
    assert caught.value.exit_code == error.exit_code
    assert made == ["model.fp16.onnx fp16 True"]
    assert "model.fp32.onnx" in capsys.readouterr().out


def test_several_errors_become_one_of_the_kind_that_they_have_in_common() -> None:
    missing, rejected = MissingRuntime("a"), ConversionRejected("b")
    assert run.combined([missing]) is missing
    assert run.combined([missing, MissingRuntime("c")]).exit_code == ExitCode.MACHINE
    mixed = run.combined([missing, rejected])
    assert (mixed.exit_code, mixed.what) == (ExitCode.SOME_FAILED, "a\nb")


def test_the_parity_report_names_the_dataset_and_lists_the_artifacts(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(bundle, bundle.with_name("model.fp16.onnx"), "--precision", "fp16", "--min-agreement", 90) == 0
    output = capsys.readouterr().out
    assert "Parity with model.keras on the held-out images of tiny images:" in output
    lines = [line.split()[0] for line in output.splitlines() if "100.00" in line]
    assert lines == ["model.fp32.onnx", "model.fp16.onnx"]


def test_only_the_parity_report_goes_to_stdout(
    bundle: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    convert(bundle, bundle.with_name("model.fp16.onnx"), "--precision", "fp16", "--min-agreement", 90)
    assert capsys.readouterr().out.startswith("\nParity with model.keras")
    assert "model.fp16.onnx: converting model.fp32.onnx" in caplog.messages


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--builder-option", "level=9"], "--builder-option level=9 is not valid"),
        (["--calibration-images", "0"], "--calibration-images is 0"),
        (["--calibration-images", "-5"], "--calibration-images is -5"),
        (["--calibration-images", "99999999999"], "--calibration-images is 99999999999"),
        (["--max-drop", "inf"], "--max-drop is inf"),
        (["--max-class-drop", "nan"], "--max-class-drop is nan"),
        (["--min-agreement", "nan"], "--min-agreement is nan"),
        (["--min-agreement", "100.1"], "--min-agreement is 100.1"),
        (["--max-float-layers", "1001"], "--max-float-layers is 1001"),
        (["--batch", "1:8:4097"], "is not a range of batch sizes"),
        (["--max-drop", "nan"], "--max-drop is nan"),
        (["--max-drop", "-5"], "--max-drop is -5"),
        (["--min-agreement", "500"], "--min-agreement is 500"),
        *((["--batch", batch], "is not a range of batch sizes") for batch in ("8", "8:1:32", "0:1:2", "a:b:c")),
    ],
)
def test_options_are_checked_before_any_work(bundle: Path, words: list[str], message: str) -> None:
    before = sorted(bundle.parent.iterdir())
    with pytest.raises(UsageError, match=message) as caught:
        convert(bundle, *words)
    assert caught.value.exit_code == ExitCode.USAGE
    assert sorted(bundle.parent.iterdir()) == before


def test_every_target_is_checked_before_the_first_is_converted(bundle: Path) -> None:
    targets = [bundle.with_name(name) for name in ("model.fp16.onnx", "model.fp16.savedmodel")]
    with pytest.raises(UsageError, match="is always fp32"):
        convert(bundle, *targets, "--precision", "fp16")
    assert not targets[0].exists()


def test_an_artifact_that_is_not_the_trained_model_is_a_usage_error(bundle: Path) -> None:
    with pytest.raises(UsageError, match=r"model\.fp32\.onnx was itself converted.*model\.keras"):
        convert(bundle.with_name("model.fp32.onnx"))


@pytest.mark.parametrize(("name", "words"), [("net.h5", "is no artifact"), ("net.onnx", "has no card")])
def test_a_model_from_elsewhere_is_refused_with_the_command_that_adopts_it(
    tmp_path: Path, name: str, words: str
) -> None:
    (tmp_path / name).write_bytes(b"from elsewhere")
    with pytest.raises(UserError, match=words) as caught:
        convert(tmp_path / name)
    assert f"python convert/run.py adopt {tmp_path / name}" in caught.value.fix


def test_images_that_were_moved_are_read_from_the_folder_of_data(bundle: Path) -> None:
    card = read_card(bundle)
    assert card.dataset is not None
    write_card(bundle, card.changed(dataset=msgspec.structs.replace(card.dataset, folder="/nowhere")))
    words = (bundle, bundle.with_name("model.fp16.onnx"), "--precision", "fp16", "--min-agreement", 90)
    with pytest.raises(DataError, match="--data FOLDER"):
        convert(*words)
    assert convert(*words, "--data", bundle.parent / "images") == 0


def test_the_help_names_the_command_and_the_targets(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run.parse(["--help"])
    text = capsys.readouterr().out
    assert text.startswith("usage: python convert/run.py ")
    assert ".onnx (ONNX Runtime)" in text and "(Keras)" not in text
    assert "Converted only when it is named: .tftrt." in text
