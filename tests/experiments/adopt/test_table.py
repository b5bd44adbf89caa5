import shutil
from pathlib import Path

import pytest

from experiments.adopt.table import HEADINGS, MODELS, adopt, parse, row
from tests import tiny


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for index, (path, label) in enumerate(tiny.draw(tmp_path / "all", 24)):
        target = tmp_path / "data" / ("test" if index % 4 == 0 else "train") / label / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, target)
    return tmp_path / "data"


def test_the_options_name_the_table_and_where_models_are_made() -> None:
    options = parse(["--only", "tutorial.h5"])
    assert (options.out.name, options.only, options.torch) == ("adopt.md", ["tutorial.h5"], None)
    assert len({model.file for model in MODELS}) == len(MODELS)


@pytest.mark.programs
def test_a_row_has_what_was_found_and_every_verdict(bundle: Path, data: Path) -> None:
    original = bundle.with_name("net.onnx")
    shutil.copy(bundle.with_name("model.fp32.onnx"), original)
    for path in bundle.parent.glob("model.*"):
        path.unlink()
    model = MODELS[0]
    how = adopt(model, data, original)
    cells = dict(zip(HEADINGS, row(model, original.parent, how), strict=True))
    assert cells["preprocessing"] == "none, found"
    assert cells["input"] == "NHWC uint8, 16 px"
    assert "%" in cells["fp16"] and cells["int8"].split(", ")[1] in ("passes", "rejected")


def test_a_model_that_cannot_be_adopted_has_the_reason_in_its_row(tmp_path: Path) -> None:
    cells = row(MODELS[0], tmp_path, "adopting\nerror: it is quantized.")
    assert cells[2] == "error: it is quantized."
    assert len(cells) == len(HEADINGS)
