import dataclasses
from pathlib import Path

from convert.precision.int8 import make_int8
from convert.settings import ConversionSettings
from convert.verification.accuracy_gate import Limits
from convert.verification.parity_table import climb, first_bad, ladder_table
from temper.card import read_card, write_card
from tests import tiny


def test_rungs_stand_in_the_order_of_conversion_with_all_their_figures(bundle: Path) -> None:
    int8 = bundle.with_name("model.int8.onnx")
    make_int8(tiny.pipeline_of(bundle), ConversionSettings("int8", "max"), bundle.with_name("model.fp32.onnx"), int8)
    rungs = climb(bundle, Limits(min_agreement=80))
    assert [rung.name for rung in rungs] == ["model.fp32.onnx", "model.int8.onnx"]
    assert first_bad(rungs) is None
    head, fp32, _ = ladder_table(rungs)
    assert head.split() == ["top-1", "%", "agree", "%", "max", "diff", "mean", "diff", "cosine", "changed", "labels"]
    assert "100.00" in fp32


def test_the_first_bad_rung_is_named_and_its_flips_are_files(bundle: Path) -> None:
    fp32 = bundle.with_name("model.fp32.onnx")
    card = read_card(fp32)
    flips = [{"file": f"{i}.png", "label": "red", "keras": "red", "answer": "blue"} for i in range(7)]
    wrong = {**card.agreement, "agreement": 0.5, "top1": 0.5, "lost": 7, "flips": flips}
    write_card(fp32, dataclasses.replace(card, agreement=wrong))
    rungs = climb(bundle, Limits())
    bad = first_bad(rungs)
    assert bad is not None
    assert bad.name == "model.fp32.onnx"
    line = ladder_table(rungs)[1]
    assert "0.png (red → blue)" in line
    assert line.endswith("and 2 more")


def test_what_could_not_run_here_says_why(bundle: Path) -> None:
    fp32 = bundle.with_name("model.fp32.onnx")
    card = read_card(fp32)
    write_card(fp32, dataclasses.replace(card, agreement={**card.agreement, "not_run": "there is no GPU"}))
    assert ladder_table(climb(bundle, Limits()))[1].endswith("not run here: there is no GPU")
