"""The tutorial runs, its stored outputs are those of its code, and what it says is so."""

import importlib
import json
import re
import shlex
from functools import cache
from string import Template
from typing import Any

import pytest

from docs.notebook_execution import RECORD, execute, hash_of_code
from docs.notebook_page import page
from tests.source import ROOT
from tests.test_vocabulary import PATTERN

PATH = ROOT / "docs" / "tutorial.ipynb"
STORED: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
CODE = [cell for cell in STORED["cells"] if cell["cell_type"] == "code"]
# Measuring Keras takes 30 seconds of the processor, and has tests of its own: tests/benchmarks/test_run_keras.py.
SHORTER = {"artifacts/tutorial --quick --seconds 2 ": "artifacts/tutorial/*.onnx --quick --seconds 0.1 "}


@cache
def text_of_results(name: str) -> str:
    return (ROOT / "benchmarks" / "results" / name).read_text(encoding="utf-8")


def variables() -> dict[str, str]:
    """What the first cell gives to the commands."""
    return dict(re.findall(r'([A-Z]+)="(\w+)"', "".join(CODE[0]["source"])))


def commands() -> list[list[str]]:
    """The words of every command of the project in the cells."""
    shells = ["".join(cell["source"]) for cell in CODE if cell["source"][0] == "%%bash\n"]
    lines = [line for shell in shells for line in shell.replace("\\\n", "").splitlines()]
    words = [shlex.split(Template(line).substitute(variables())) for line in lines if line.startswith("python ")]
    return [each[: each.index(">")] if ">" in each else each for each in words]


def number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    assert found, pattern
    return float(found[1])


@pytest.mark.tensorflow
@pytest.mark.programs
def test_it_runs_on_drawn_images_and_its_artifact_answers_like_keras() -> None:
    executed = execute(PATH, SHORTER)
    outputs = [output for cell in executed.cells if cell.cell_type == "code" for output in cell.outputs]
    text = "\n".join(each.text for each in outputs if each.output_type == "stream")
    assert not [each for each in outputs if each.output_type == "error"]
    assert sum("image/png" in each.get("data", {}) for each in outputs) == 7
    plain, forgotten = number(r"with preprocessing: ([\d.]+)%", text), number(r"without: ([\d.]+)%", text)
    assert plain > max(60, forgotten)
    assert number(r"\n100 images: ([\d.]+)% correct", text) >= 90
    assert number(r"\n(\d+) of 100 labels are those of the Keras model", text) >= 95
    assert "self-test passed: model.int8.onnx" in text
    assert re.search(r"model\.int8\.onnx +[\d.]+ +[\d.]+ +[\d.]+", text)
    # The server's answer for an image of a cat.
    assert re.search(r"\[\{'label': 'cat', 'probability': 0\.[5-9]", text)


def test_the_stored_outputs_are_those_of_the_code() -> None:
    assert STORED["metadata"][RECORD]["code_sha256"] == hash_of_code(STORED), "run `make tutorial`"
    assert [cell["execution_count"] for cell in CODE] == list(range(1, len(CODE) + 1))
    assert all(output["output_type"] != "error" for cell in CODE for output in cell["outputs"])


def test_the_stored_outputs_are_small_and_name_no_path_of_a_machine() -> None:
    text = PATH.read_text(encoding="utf-8")
    assert len(text) < 400_000
    assert not re.findall(r"(?<![\w.:/<])/(?:tmp|home|root|work|opt|usr)/", text)
    # Bars and colors of a terminal.
    assert "\\u001b" not in text
    assert "\\r" not in text


def test_the_stored_measurement_passed_its_control() -> None:
    content, _ = page(PATH)
    assert 0.98 <= number(r"model\.int8\.onnx against itself: ([\d.]+)", content) <= 1.02
    assert "too noisy" not in content


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_parses(words: list[str]) -> None:
    assert (ROOT / words[1]).is_file()
    importlib.import_module(words[1].removesuffix(".py").replace("/", ".")).parse(words[2:])


def test_links_lead_to_files_and_the_words_are_those_of_the_project() -> None:
    content, _ = page(PATH)
    targets = re.findall(r"(?<!!)\[[^\]]*\]\(([^)#]+)[^)]*\)", content)
    assert len(targets) > 10
    assert not [each for each in targets if not (PATH.parent / each).exists()]
    assert not [line for line in content.splitlines() if PATTERN.search(line)]


def test_figures_are_those_of_the_results() -> None:
    text = " ".join(page(PATH)[0].split())
    assert "23 of 23 planted issues" in text
    assert "23 of 23 planted issues" in text_of_results("scan.md")
    # The table over all splits; that of the first one follows.
    table = text_of_results("training-time.md").partition("The first split:")[0]
    rows = dict(re.findall(r"^\| ([^|]+) \| (.+) \|$", table, re.MULTILINE))
    loop, ours = (
        rows[name].split(" | ") for name in ("tutorial's loop, both epochs", "train/run.py, L-BFGS head, 1 pass")
    )
    assert f"takes {ours[0].split()[0]} seconds instead of {float(loop[0].split()[0]):.0f}" in text
    assert f"{ours[6]} % of the test photos are correct, and {loop[6]} % with the loop" in text
    report = text_of_results("photos-224/report.md")
    assert "| model.fp16.xml | 12 megapixels | overlapped | 67.1 | 12.54 [8.92, 14.33] |" in report
    assert "classified 12.5 times [8.9, 14.3] as fast" in text
    latencies = report.partition("## From files to labels")[0]
    p50 = {
        line.split(" | ")[0]: line.split(" | ")[5]
        for line in latencies.replace("\n| ", "\n").splitlines()
        if " | " in line
    }
    for name in ("model.int8.xml", "Keras tf.function", "Keras predict"):
        assert f"{p50[name]} ms" in text


def test_three_steps_follow_the_eight_of_the_tutorial() -> None:
    titles = [line for line in page(PATH)[0].splitlines() if line.startswith("## ")]
    assert [title.split(". ")[0] for title in titles] == [f"## {number}" for number in range(1, 12)]
    assert [title.split(". ")[1] for title in titles[8:]] == ["Convert", "Compare", "Deploy"]
