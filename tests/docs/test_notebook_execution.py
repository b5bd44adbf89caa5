"""Notebooks are executed in a folder of their own, and stored without what depends on the machine."""

import base64
import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from docs import notebook_execution
from docs.notebook_execution import execute, hash_of_code, smaller, write
from temper.errors import DataError, MissingRuntime
from tests.source import ROOT

SOURCE = """
import os, sys
from pathlib import Path

print(os.getcwd(), sys.executable.startswith(sys.prefix))
print("\\x1b[1mbold\\x1b[0m", file=sys.stderr)
print(sorted(each.name for each in Path().iterdir() if each.is_symlink()))
""".strip()


def notebook(folder: Path, *sources: str) -> Path:
    nbformat = pytest.importorskip("nbformat", reason="nbclient is not installed: pip install nbclient ipykernel")
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "lesson.ipynb")
    return folder / "lesson.ipynb"


@pytest.mark.programs
def test_outputs_are_stored_without_paths_and_colors_and_with_the_hash_of_the_code(tmp_path: Path) -> None:
    path = notebook(tmp_path, SOURCE, "%%bash\nwhich python\ncd temper; pwd -P")
    executed = execute(path, {"print(os": "print(1, os"})
    write(executed, path)
    text = path.read_text(encoding="utf-8")
    assert str(ROOT) not in text
    first, second = executed.cells
    assert [each.execution_count for each in executed.cells] == [1, 2]
    (output,) = first.outputs
    assert sorted(output.text.splitlines()) == sorted(["1 . True", "bold", str(sorted(notebook_execution.LINKED))])
    assert second.outputs[0].text.splitlines()[1] == "temper"
    assert executed.metadata["temper"]["code_sha256"] == hash_of_code(executed)


@pytest.mark.programs
def test_a_cell_that_fails_ends_the_execution_and_is_named(tmp_path: Path) -> None:
    path = notebook(tmp_path, "a = 1", "%%bash\nexit 3")
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"a cell of lesson.ipynb failed:(?s:.*)exit status 3"):
        execute(path)
    assert path.read_bytes() == before


def test_what_is_replaced_must_be_in_one_cell(tmp_path: Path) -> None:
    path = notebook(tmp_path, "a = 1", "a = 1")
    with pytest.raises(ValueError, match="'a = 1' is in 2 cells"):
        execute(path, {"a = 1": "a = 2"})


def test_without_nbclient_the_error_says_what_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nbformat", None)
    with pytest.raises(MissingRuntime, match="`make tutorial`"):
        execute(tmp_path / "lesson.ipynb")


def test_a_summary_as_text_and_html_is_joined_with_the_lines_around_it() -> None:
    def output(**fields: Any) -> Any:
        return SimpleNamespace(**fields)

    shown = {"text/plain": "b\n", "text/html": "<b>b</b>"}
    first = output(output_type="stream", name="stderr", text="a\n")
    joined = notebook_execution._joined([first, output(output_type="display_data", data=shown)])
    assert [(each.name, each.text) for each in joined] == [("stdout", "a\nb\n")]


def test_images_are_not_wider_than_a_page_and_have_few_colors() -> None:
    stored = io.BytesIO()
    Image.linear_gradient("L").resize((1600, 400)).convert("RGB").save(stored, "PNG")
    image = Image.open(io.BytesIO(base64.b64decode(smaller(base64.b64encode(stored.getvalue()).decode()))))
    assert image.size == (800, 200)
    assert len(image.convert("RGB").getcolors() or []) <= 64
