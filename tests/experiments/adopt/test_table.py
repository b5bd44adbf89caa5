from pathlib import Path

import pytest

from experiments.adopt import cases
from experiments.adopt.cases import FOUND, HEADINGS, MODELS, OUTCOME
from experiments.adopt.table import TITLE, parse, run, text_of
from experiments.support import RESULTS
from temper.card import read_card
from tests import tiny


def test_the_options_name_the_table_and_where_models_are_made() -> None:
    options = parse(["--only", "tutorial.h5"])
    assert (options.out.name, options.only, options.torch) == ("adopt.md", ["tutorial.h5"], None)


def test_the_table_has_every_model_in_the_folder_also_where_a_run_has_none_of_them(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, out = tiny.adopt(bundle), tmp_path / "table.md"
    for name in ("resnet18-10", "signature"):
        (tmp_path / name).mkdir()
    (tmp_path / "signature" / OUTCOME).write_text("error: it is quantized.")
    for file in model.parent.glob("model.*"):
        (tmp_path / "resnet18-10" / file.name).write_bytes(file.read_bytes())
    (tmp_path / "resnet18-10" / OUTCOME).write_text(FOUND)
    monkeypatch.setattr(cases, "build", lambda *_: pytest.fail("nothing is made"))
    assert run(parse(["--only", "--models", str(tmp_path), "--out", str(out)])) == 0
    text, host = out.read_text(), read_card(model).host
    assert [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| ")][2:] == [
        "| depthwise, softmax", "| resnet18, 10 classes"
    ]  # fmt: skip
    assert "| error: it is quantized. |" in text and "| caffe, found |" in text
    assert f"Measured on {host.processor}, {host.cores} cores" in text


def test_the_published_table_has_the_text_that_the_program_writes_and_all_models() -> None:
    text = (RESULTS / "adopt.md").read_text(encoding="utf-8")
    hosts = text.partition("Measured on ")[2].partition(", with ")[0]
    start, table = f"# {TITLE}\n\n{text_of(hosts)}\n\n", text.splitlines()[-len(MODELS) - 2 :]
    assert text.startswith(start) and text == start + "\n".join(table) + "\n"
    assert table[0] == f"| {' | '.join(HEADINGS)} |"
    assert [line.split(" | ")[:2] for line in table[2:]] == [[f"| {each.name}", each.source] for each in MODELS]
