import csv
import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import pytest

from infer import run
from temper.card import read_card, write_card
from temper.dataset.split import read_split
from temper.errors import UserError
from temper.reference import read_golden, write_golden
from temper.storage.atomic import sha256_of
from temper.system.gpu import find_gpu


def answers(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr("sys.argv", ["infer/run.py", *(str(word) for word in words)])
    return run.main()


@pytest.fixture
def picture(bundle: Path) -> Path:
    return next(e.path for e in read_split(bundle, read_card(bundle), "test") if e.label == "red")


def test_text_says_label_percentage_and_time(
    bundle: Path, picture: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answers(monkeypatch, "--engine", bundle.with_name("model.fp32.onnx"), picture) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{picture}: red ")
    assert " % (" in said
    assert said.endswith(" ms)\n")


def test_json_is_an_object_a_line(
    bundle: Path, picture: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--engine", bundle.with_name("model.fp32.onnx"), picture, bundle.with_name("none.png"))
    assert answers(monkeypatch, *words, "--top", 2, "--json") == 1
    good, bad = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert [each["label"] for each in good["predictions"]] == ["red", "blue"]
    assert sum(each["probability"] for each in good["predictions"]) == pytest.approx(1, abs=1e-5)
    assert "does not exist" in bad["problem"]


def test_csv_has_a_head_and_a_row_for_each_label(
    bundle: Path, picture: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers(monkeypatch, "--engine", bundle.with_name("model.fp32.onnx"), picture, "--top", 2, "--csv")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["rank"], row["label"]) for row in rows] == [("1", "red"), ("2", "blue")]


@pytest.mark.parametrize(("below", "expected"), [(0.0, False), (1.01, True)])
def test_unknown_is_told_in_every_form_and_hides_nothing(
    bundle: Path,
    picture: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    below: float,
    expected: bool,
) -> None:
    engine = bundle.with_name("model.fp32.onnx")
    write_card(engine, dataclasses.replace(read_card(engine), confidence_threshold=below))
    words = ("--engine", engine, picture, "--unknown")
    answers(monkeypatch, *words)
    assert capsys.readouterr().out.startswith(f"{picture}: {'unknown, ' if expected else ''}red ")
    answers(monkeypatch, *words, "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["unknown"], told["predictions"][0]["label"]) == (expected, "red")
    answers(monkeypatch, *words, "--csv")
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["unknown"], row["label"]) == ("yes" if expected else "no", "red")


def test_unknown_without_a_threshold_on_the_card_is_refused(
    bundle: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = bundle.with_name("model.fp32.onnx")
    write_card(engine, dataclasses.replace(read_card(engine), confidence_threshold=None))
    with pytest.raises(UserError, match="has no threshold for --unknown on its card"):
        answers(monkeypatch, "--engine", engine, picture, "--unknown")


def test_a_sound_artifact_passes_its_selftest(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answers(monkeypatch, "--engine", bundle.with_name("model.fp32.onnx"), "--selftest") == 0
    assert capsys.readouterr().out.startswith("self-test passed: ")


def test_a_selftest_that_fails_says_by_how_much(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = bundle.with_name("model.fp32.onnx")
    card = read_card(artifact)
    images, expected = read_golden(artifact, card)
    golden = write_golden(bundle.with_name("model.golden.npz"), images, np.asarray(1 - expected, np.float32))
    text = artifact.with_name("model.fp32.onnx.json").read_text().replace(card.golden["sha256"], golden["sha256"])
    artifact.with_name("model.fp32.onnx.json").write_text(text)
    with pytest.raises(Exception, match="self-test failed"):
        answers(monkeypatch, "--engine", artifact, "--selftest")


def test_the_doctor_tells_what_is_here_and_that_an_artifact_runs(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answers(monkeypatch, "--doctor") == 0
    assert {"system", "GPU", "TensorRT"} <= {line.partition(":")[0] for line in capsys.readouterr().out.splitlines()}
    assert answers(monkeypatch, "--engine", bundle.with_name("model.fp32.onnx"), "--doctor") == 0
    assert "model.fp32.onnx: whole, and made for a machine like this" in capsys.readouterr().out


@pytest.mark.skipif(find_gpu() is not None, reason="there is a GPU here")
def test_the_doctor_says_why_a_plan_does_not_run_before_anything_loads_it(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = bundle.with_name("model.fp32.plan")
    plan.write_bytes(b"not native code, and never loaded")
    write_card(plan, dataclasses.replace(read_card(bundle.with_name("model.fp32.onnx")), sha256=sha256_of(plan)))
    with pytest.raises(UserError, match="runs on an NVIDIA GPU"):
        answers(monkeypatch, "--engine", plan, "--doctor")
    plan.write_bytes(b"")
    with pytest.raises(UserError, match="not the file its card describes"):
        answers(monkeypatch, "--engine", plan, "--doctor")


def test_without_an_engine_there_is_only_the_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as caught:
        answers(monkeypatch, "a.png")
    assert caught.value.code == 2


@pytest.mark.parametrize("words", [["--top", "0", "a.png"], [], ["a.png", "--json", "--csv"]])
def test_wrong_words_are_two(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as caught:
        answers(monkeypatch, "--engine", "x.onnx", *words)
    assert caught.value.code == 2
