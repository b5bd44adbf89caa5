import shutil
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from convert.targets import rejected_path
from experiments.adopt.cases import FOUND, HEADINGS, MODELS, NAMED, OUTCOME, Model, adopt, build, rows_of
from experiments.adopt.table import parse
from temper.artifact import Artifact
from temper.card import card_path, read_card, write_card
from temper.errors import UsageError
from tests import tiny

MODEL = MODELS[0]
TINY = Model(name="tiny", source="ONNX", file="net.onnx", maker=(), preprocessing="unit")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for index, (path, label) in enumerate(tiny.draw(tmp_path / "all", 24)):
        target = tmp_path / "data" / ("test" if index % 4 == 0 else "train") / label / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, target)
    return tmp_path / "data"


def cells(work: Path, model: Model = MODEL) -> dict[str, str]:
    (row,) = rows_of(model, work)
    return dict(zip(HEADINGS, row, strict=True))


def test_models_have_files_of_their_own() -> None:
    assert len({Path(model.file).stem for model in MODELS}) == len(MODELS)


def test_a_model_of_pytorch_without_its_python_is_refused_with_the_option(tmp_path: Path) -> None:
    model = next(each for each in MODELS if each.is_torch)
    with pytest.raises(UsageError, match="Name one with --torch"):
        build(model, tmp_path, parse(["--models", str(tmp_path)]))


@pytest.mark.programs
def test_a_model_is_adopted_and_converted_and_its_row_has_every_verdict(bundle: Path, data: Path) -> None:
    work = bundle.parent / "work"
    (work / "net").mkdir(parents=True)
    shutil.copy(bundle.with_name("model.fp32.onnx"), work / "net" / "net.onnx")
    build(TINY, data, parse(["--models", str(work)]))
    row = cells(work, TINY)
    assert row["preprocessing"] == "none, found"
    assert row["input"] == "NHWC uint8, 16 px"
    assert "%" in row["fp16"] and row["int8"].split(", ")[1] in ("passes", "rejected")


def redder_than_blue() -> onnx.ModelProto:
    """A network that gives the same with pixels from 0 to 255 and from 0 to 1."""
    weights = {
        "axes": np.array([1, 2]),
        "difference": np.array([[1], [0], [-1]], np.float32),
        "logits": np.array([[-2, 2]], np.float32),
    }
    nodes = [
        helper.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "difference"], ["redder"]),
        helper.make_node("Sign", ["redder"], ["sign"]),
        helper.make_node("MatMul", ["sign", "logits"], ["y"]),
    ]
    ends = (("x", ["n", tiny.SIZE, tiny.SIZE, 3]), ("y", ["n", 2]))
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in ends]
    constants = [numpy_helper.from_array(each, name) for name, each in weights.items()]
    graph = helper.make_graph(nodes, "net", infos[:1], infos[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)


@pytest.mark.programs
def test_where_images_do_not_decide_the_preprocessing_is_named_and_a_failure_has_its_reason(
    tmp_path: Path, data: Path
) -> None:
    onnx.save(redder_than_blue(), tmp_path / "net.onnx")
    assert adopt(TINY, data, tmp_path / "net.onnx") == NAMED
    assert "missing.onnx does not exist" in adopt(TINY, data, tmp_path / "missing.onnx")


def test_a_model_that_cannot_be_adopted_has_the_reason_in_its_row(tmp_path: Path) -> None:
    assert rows_of(MODEL, tmp_path) == []
    (tmp_path / "tutorial").mkdir()
    (tmp_path / "tutorial" / OUTCOME).write_text("error: it is quantized.")
    assert cells(tmp_path)["preprocessing"] == "error: it is quantized."


def test_a_verdict_is_that_of_the_last_conversion_of_the_same_model(bundle: Path, tmp_path: Path) -> None:
    model = Artifact.at(tiny.adopt(bundle))
    target = model.sibling("fp16", ".onnx").path
    tiny.pipeline_of(model.path).build(Artifact.at(target), "fp16")
    bundle.parent.rename(tmp_path / "tutorial")
    folder = tmp_path / "tutorial"
    (folder / OUTCOME).write_text(FOUND)
    target = folder / target.name
    assert cells(tmp_path)["fp16"] == "100.00 %, passes"
    assert cells(tmp_path)["int8"] == "not converted"
    shutil.copy(target, rejected_path(target))
    shutil.copy(card_path(target), card_path(rejected_path(target)))
    assert cells(tmp_path)["fp16"] == "100.00 %, rejected"
    for path in (target, rejected_path(target)):
        card = read_card(path)
        write_card(path, card.changed(provenance=msgspec.structs.replace(card.provenance, model_sha256="0" * 64)))
    assert cells(tmp_path)["fp16"] == "not converted"
