from pathlib import Path

import pytest

from convert import run
from convert.pipeline import ConversionRejected
from temper.errors import MissingRuntime, UserError


def convert(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr("sys.argv", ["convert/run.py", *(str(word) for word in words)])
    return run.main()


@pytest.mark.parametrize(
    "error", [ConversionRejected("refused: too many labels change", []), MissingRuntime("no OpenVINO")]
)
def test_what_fails_is_told_after_the_others_are_made(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: UserError
) -> None:
    made: list[str] = []

    def make(pipeline: object, wish: object, target: Path) -> None:
        if target.suffix == ".xml":
            raise error
        made.append(target.name)

    monkeypatch.setattr("convert.targets.make", make)
    targets = [bundle.with_name(f"model.fp16{suffix}") for suffix in (".xml", ".onnx")]
    with pytest.raises(UserError, match=str(error)):
        convert(monkeypatch, bundle, *targets, "--precision", "fp16")
    assert made == ["model.fp16.onnx"]
    assert "model.fp32.onnx" in capsys.readouterr().out


def test_the_ladder_names_its_pictures(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(monkeypatch, bundle, bundle.with_name("model.fp16.onnx"), "--precision", "fp16") == 0
    said = capsys.readouterr().out
    assert "held-out pictures, model.keras and what was made of it:" in said
    assert [line.split()[0] for line in said.splitlines() if "100.00" in line] == ["model.fp32.onnx", "model.fp16.onnx"]


def test_words_to_the_compiler_are_checked_before_any_work(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="--builder level=9 is not understood"):
        convert(monkeypatch, bundle, "--builder", "level=9")


@pytest.mark.parametrize("batch", ["8", "8:1:32", "0:1:2", "a:b:c"])
def test_a_batch_range_out_of_order_is_two(batch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as caught:
        convert(monkeypatch, "model.keras", "--batch", batch)
    assert caught.value.code == 2
