from pathlib import Path

from experiments.backbones.cases import measure, rows_of
from temper.artifact import Artifact
from tests import tiny


def test_a_row_shows_what_the_gate_decided(made_bundle: Path, bundle: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    bundle.parent.rename(work / "mobilenetv2")
    model = work / "mobilenetv2" / "model.keras"
    for precision in ("fp16", "int8"):
        for suffix in (".onnx", ".xml"):
            tiny.pipeline_of(model).build(Artifact.at(model).sibling(precision, suffix), precision)
    tiny.pipeline_of(model).build(Artifact.at(model).sibling("fp32", ".xml"), "fp32")
    rows = rows_of("mobilenetv2", work)
    assert [row[4] for row in rows] == [
        "fp32.onnx", "fp32.xml", "fp16.onnx", "fp16.xml", "int8.onnx", "int8.xml"
    ]  # fmt: skip
    assert {row[1] for row in rows} == {"scratch"} and {row[8] for row in rows} == {"passed"}
    assert rows[4][10] == "3 int8, 1 fp32"
    assert float(rows[4][12]) > 0
    for file in (work / "mobilenetv2").glob("model.int8.*"):
        file.rename(file.with_name(f"{file.name}.rejected")) if ".onnx" in file.name else file.unlink()
    rejected = work / "mobilenetv2" / "model.int8.onnx.json.rejected"
    rejected.rename(rejected.with_name("model.int8.onnx.rejected.json"))
    onnx, xml = rows_of("mobilenetv2", work)[-2:]
    assert onnx[10:] == ["", "", ""]
    assert xml[4:9] == ["int8.xml", "", "", "", "not made: its source was rejected"]


def test_a_backbone_without_a_model_has_no_rows(tmp_path: Path) -> None:
    assert rows_of("resnet101", tmp_path) == []


def test_the_time_is_that_of_a_call(made_bundle: Path) -> None:
    executed, milliseconds = measure(Artifact.at(made_bundle.with_name("model.fp32.onnx")))
    assert executed == "fp32"
    assert 0 < milliseconds < 10_000
