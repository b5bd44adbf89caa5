"""A made-up format, in one file and one row, goes through every stage: nothing else lists the formats."""

import ast
import importlib
import json
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

import benchmarks.run
import convert.run
import infer.run
from convert.job import CardFields, Job
from temper import formats
from temper.artifact import Artifact
from temper.cli import main as temper_command
from temper.formats import FORMATS, Conversion, Format
from temper.runners.base import Images, Probabilities, Runner, RuntimeInfo
from tests.source import FILES, name_of, tree_of

# All code but the list itself, and measurements of certain formats.
PRODUCT = [path for path in FILES if path.name != "formats.py" and "experiments" not in path.parts]
ONE_FILE = "made_up_format"


def convert_made_up(job: Job) -> Iterator[CardFields]:
    """Store the ONNX file backwards."""
    job.target.write_bytes(job.source.path.read_bytes()[::-1])
    yield CardFields()


class MadeUpRunner(Runner):
    """Runs a file that is an ONNX file backwards."""

    def _load(self) -> None:
        (content,) = self.content.read()
        self._session = ort.InferenceSession(bytes(content.view)[::-1])

    def _run(self, images: Images) -> Probabilities:
        return np.asarray(self._session.run(None, {"images": images})[0], np.float32)

    def runtime_info(self) -> RuntimeInfo:
        return RuntimeInfo(runtime="made-up 1.0", device="CPU", executed="fp32")


ROW = Format(
    suffix=".backwards",
    title="Made-up runtime",
    runner=f"{ONE_FILE}:MadeUpRunner",
    requires=("onnxruntime",),
    install="pip install onnxruntime",
    conversions={"fp32": Conversion(source=".onnx", source_precision="fp32", function=f"{ONE_FILE}:convert_made_up")},
)


@pytest.fixture(autouse=True)
def made_up_format(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType(ONE_FILE)
    module.MadeUpRunner, module.convert_made_up = MadeUpRunner, convert_made_up  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, ONE_FILE, module)
    rows = (*FORMATS, ROW)
    for name, loaded in list(sys.modules.items()):
        if name.partition(".")[0] in ("temper", "convert", "benchmarks", "infer") and hasattr(loaded, "FORMATS"):
            monkeypatch.setattr(loaded, "FORMATS", rows)
    assert formats.suffixes()[-1] == ".backwards"


def test_a_row_and_a_file_are_enough_to_convert_verify_and_run(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = convert.run.parse([str(bundle), str(bundle.with_name("mine.backwards")), "--min-agreement", "90"])
    assert convert.run.run(options) == 0
    assert "mine.backwards" in capsys.readouterr().out
    artifact = Artifact.at(bundle.with_name("mine.backwards"))
    agreement = artifact.verified().card.measured_agreement
    assert agreement is not None
    assert agreement.agreement == 1
    image = next((bundle.parent / "images" / "red").iterdir())
    assert temper_command.run(infer.run.parse(["--engine", str(artifact.path), str(image), "--json"])) == 0
    assert json.loads(capsys.readouterr().out)["predictions"]
    assert temper_command.run(infer.run.parse(["doctor", str(artifact.path)])) == 0
    assert temper_command.run(infer.run.parse(["selftest", str(artifact.path)])) == 0


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("convert.run", ""), ("infer.run", ""), ("temper.cli.main", ""),
        *(("temper.cli.main", each) for each in temper_command.COMMANDS),
    ],
)  # fmt: skip
def test_the_help_of_every_command_that_lists_formats_names_it(
    command: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        importlib.import_module(command).parse([*words.split(), "--help"])
    assert ".backwards" in capsys.readouterr().out


def test_the_default_targets_contain_it(bundle: Path) -> None:
    from convert.targets import default_targets

    assert "model.fp32.backwards" in [each.name for each in default_targets(Artifact.at(bundle), "fp32")]


def test_the_benchmark_finds_it(bundle: Path) -> None:
    from benchmarks.cases import find_cases

    convert.run.run(convert.run.parse([str(bundle), str(bundle.with_name("mine.backwards")), "--min-agreement", "90"]))
    assert benchmarks.run.parse([str(bundle.parent)])
    assert "mine.backwards" in [case.name for case in find_cases([bundle.parent])]


def test_no_text_and_no_code_lists_the_formats() -> None:
    """Places that list formats: one. Two suffixes in a text are an example, or what the code itself writes or reads."""
    suffixes = formats.suffixes()
    suffix = re.compile(rf"(?:{'|'.join(re.escape(each) for each in suffixes)})\b")
    for path in PRODUCT:
        strings = [node.value for node in ast.walk(tree_of(path)) if isinstance(node, ast.Constant)]
        texts = [each for each in strings if isinstance(each, str)]
        for text in [*texts, " ".join(each for each in texts if each in suffixes)]:
            assert len(set(suffix.findall(text))) <= 2, (name_of(path), text)
