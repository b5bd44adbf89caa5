import shutil
from pathlib import Path

import msgspec
import pytest

from convert.verification.accuracy_gate import GateLimits
from convert.verification.parity_table import ParityRow, collect, first_failing, parity_table
from temper.artifact import Artifact
from temper.card import LabelFlip, Provenance, read_card, write_card
from tests import tiny


def rows_of(bundle: Path, limits: GateLimits | None = None) -> list[ParityRow]:
    return collect(Artifact.at(bundle), limits or GateLimits(min_agreement=80))


def add_artifact(bundle: Path, name: str, **fields: object) -> None:
    """An artifact with the card of the fp32 ONNX file, some of its fields changed."""
    fp32 = bundle.with_name("model.fp32.onnx")
    if name.endswith((".tftrt", ".savedmodel")):
        bundle.with_name(name).mkdir()
    else:
        shutil.copy(fp32, bundle.with_name(name))
    write_card(bundle.with_name(name), read_card(fp32).changed(**fields))


def test_rows_are_in_the_order_of_conversion_with_all_their_figures(bundle: Path) -> None:
    target = Artifact.at(bundle.with_name("model.int8.xml"))
    tiny.pipeline_of(bundle, calibration_method="max").build(target, "int8")
    rows = rows_of(bundle)
    assert [row.name for row in rows] == ["model.fp32.onnx", "model.int8.onnx", "model.int8.xml"]
    assert first_failing(rows) is None
    headings, fp32, *_ = parity_table(rows).plain().splitlines()
    assert headings.split() == [
        "artifact", "top-1", "%", "agreement", "%", "max", "diff", "mean", "diff", "cosine", "changed", "labels",
    ]  # fmt: skip
    assert fp32.split()[:3] == ["model.fp32.onnx", "87.50", "100.00"]


def test_artifacts_are_listed_under_any_name_and_in_every_format(bundle: Path) -> None:
    for name, precision in (
        ("mine.onnx", "fp32"),
        ("best.int8.plan", "int8"),
        ("model.fp16.tftrt", "fp16"),
        ("model.fp32.savedmodel", "fp32"),
    ):
        add_artifact(bundle, name, precision=precision)
    assert [row.name for row in rows_of(bundle)] == [
        "model.fp32.savedmodel",
        "mine.onnx",
        "model.fp32.onnx",
        "model.fp16.tftrt",
        "best.int8.plan",
    ]


def test_artifacts_of_another_model_and_files_without_a_card_are_not_listed(bundle: Path) -> None:
    add_artifact(bundle, "other.onnx", provenance=Provenance(model_sha256="0" * 64))
    shutil.copy(bundle.with_name("model.fp32.onnx"), bundle.with_name("foreign.onnx"))
    assert [row.name for row in rows_of(bundle)] == ["model.fp32.onnx"]


def test_a_rejected_artifact_is_listed_with_what_it_violates(bundle: Path) -> None:
    add_artifact(bundle, "model.int8.onnx.rejected", precision="int8", agreement=tiny.agreement(0.5, flips=8))
    rows = rows_of(bundle)
    assert [row.name for row in rows] == ["model.fp32.onnx", "model.int8.onnx.rejected"]
    failing = first_failing(rows)
    assert failing is not None
    assert failing.name == "model.int8.onnx.rejected"
    assert any("top-1 accuracy drops by 50.0" in violation for violation in failing.violations)


def test_the_first_artifact_that_violates_a_limit_is_named_and_its_flips_are_files(bundle: Path) -> None:
    fp32 = bundle.with_name("model.fp32.onnx")
    card = read_card(fp32)
    flips = tuple(LabelFlip(file=f"{i}.png", truth="red", keras="red", predicted="blue") for i in range(7))
    assert card.agreement is not None
    worse = msgspec.structs.replace(card.agreement, agreement=0.5, top1=0.5, regressed=7, flips=flips)
    write_card(fp32, card.changed(agreement=worse))
    rows = rows_of(bundle, GateLimits())
    failing = first_failing(rows)
    assert failing is not None
    assert failing.name == "model.fp32.onnx"
    line = parity_table(rows).plain().splitlines()[1]
    assert "0.png (red → blue)" in line
    assert line.endswith("and 2 more")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"not_run": "there is no GPU"}, "there is no GPU"), ({"agreement": None}, "no reason is recorded")],
)
def test_an_artifact_that_did_not_run_here_has_the_reason(bundle: Path, fields: dict[str, object], reason: str) -> None:
    fp32 = bundle.with_name("model.fp32.onnx")
    write_card(fp32, read_card(fp32).changed(**fields))
    assert parity_table(rows_of(bundle)).plain().splitlines()[1].endswith(f"not measured: {reason}")


def test_a_damaged_card_is_a_row_and_not_an_error(bundle: Path) -> None:
    bundle.with_name("mine.onnx").write_bytes(b"")
    bundle.with_name("mine.onnx.json").write_text("{")
    table = parity_table(rows_of(bundle)).plain()
    assert "mine.onnx.json cannot be read" in table
