"""Measure the processor time of each stage of a conversion to int8, from the fp32 ONNX file to verified artifacts.

    python experiments/conversion/run.py artifacts/model.keras
    python experiments/conversion/run.py artifacts/model.keras artifacts/outliers/model.keras --before ../before

The models have been converted to fp32 ONNX before, and the split names their images. --before measures another version
of the project in the same rounds, one after the other.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.support import ROOT, make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table

STAGES = Path("experiments") / "conversion" / "stages.py"
# Stages in their order, by the words that a conversion reports; a version may lack some.
TITLES = {
    ".onnx: start": "start: Python, imports, checks of the model",
    ".onnx: measuring activation ranges": "activation ranges",
    ".onnx: comparing calibration methods": "comparison of the calibration methods",
    ".onnx: sensitivity of each layer": "sensitivity of each layer",
    ".onnx: files": "int8 file, again for each number of layers in floating point",
    ".onnx: verification": "verification of .onnx",
    ".xml: start": "checks of .onnx",
    ".xml: files": "conversion to .xml",
    ".xml: verification": "verification of .xml",
}
Measured = dict[str, Any]


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "conversion.md")
    add = parser.add_argument
    add("models", type=Path, nargs="+", metavar="MODEL", help="a .keras file with its .fp32.onnx file beside it")
    add("--before", type=Path, metavar="FOLDER", help="another version of the project, which is measured too")
    add("--rounds", type=int, default=1, metavar="N", help="conversions of each (default: %(default)s)")
    add("--note", default="", metavar="TEXT", help="what the report says of the versions")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Measure, and write a table for each model when it is measured."""
    versions = {"before": options.before, "now": ROOT} if options.before else {"now": ROOT}
    sections: list[str | Table] = []
    for model in options.models:
        rounds: dict[str, list[Measured]] = {name: [] for name in versions}
        for _ in range(options.rounds):
            for name, root in versions.items():
                rounds[name].append(measure(root.resolve(), model))
                print(f"{model} {name}: {_total(rounds[name][-1]):.0f} CPU-s", file=sys.stderr, flush=True)
        sections += [f"## {_title(model)}", stage_table(rounds), result_table(rounds)]
        _report(options, sections)
    return 0


def measure(root: Path, model: Path) -> Measured:
    """Convert a copy of a model with a version of the project. Raises RuntimeError when that fails."""
    with tempfile.TemporaryDirectory(prefix="temper-conversion-") as name:
        folder = Path(name) / "model"
        folder.mkdir()
        for file in _files(model):
            shutil.copy2(file, folder)
        done = subprocess.run(
            [sys.executable, ROOT / STAGES, folder / model.name],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root), "XDG_CACHE_HOME": str(Path(name) / "cache")},
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise RuntimeError(f"the conversion of {model} ended with exit code {done.returncode}:\n{done.stderr}")
    measured: Measured = json.loads(done.stdout.splitlines()[-1])
    return measured


def stage_table(rounds: dict[str, list[Measured]]) -> Table:
    """The processor time of each stage that a version has."""
    versions = list(rounds.values())
    rows = [
        (
            title,
            *(_cell([each["stages"][stage]["cpu"] for each in done if stage in each["stages"]]) for done in versions),
        )
        for stage, title in TITLES.items()
        if any(stage in each["stages"] for done in versions for each in done)
    ]
    rows.append(("all", *(_cell([_total(each) for each in done]) for done in versions)))
    headings = ("stage", *(f"{name}, CPU-s" for name in rounds))
    return Table(headings=headings, rows=rows, right=frozenset(range(1, len(headings))))


def result_table(rounds: dict[str, list[Measured]]) -> Table:
    """What the versions published; the same in each round."""
    headings = ("version", "artifact", "top-1 %", "fp32 top-1 %", "agreement %", "mean diff", "method", "in float")
    rows = [row for name, done in rounds.items() for row in _result_rows(name, done[-1]["cards"])]
    return Table(headings=headings, rows=rows, right=frozenset(range(2, 6)))


def _result_rows(version: str, cards: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for suffix, card in cards.items():
        if "rejected" in card:
            yield version, suffix, "rejected", "", "", "", "", ""
            continue
        agreement, calibration = card["agreement"], card["calibration"]
        figures = (f"{100 * agreement[name]:.2f}" for name in ("top1", "keras_top1", "agreement"))
        layers = ", ".join(each["layer"] for each in calibration["excluded"])
        yield version, suffix, *figures, f"{agreement['mean_difference']:.5f}", calibration["method"], layers


def _report(options: argparse.Namespace, sections: list[str | Table]) -> None:
    write_report(
        options.out,
        "What a conversion to int8 takes",
        "From the fp32 ONNX file to published, verified .onnx and .xml files, in one process, with an empty cache. "
        f"CPU-s: processor time of all threads; {_rounds(options.rounds)}, the versions in turn. {options.note}",
        "`python experiments/conversion/run.py MODEL …` repeats the measurement.",
        *sections,
        packages=("keras", "tensorflow", "onnxruntime", "openvino"),
    )


def _rounds(count: int) -> str:
    return "of one conversion" if count == 1 else f"the median of {count} conversions"


def _title(model: Path) -> str:
    from temper.card import read_card

    card = read_card(model)
    backbone = f"{card.training.config['backbone']}, " if card.training else ""
    return f"{model.resolve().parent.name}: {backbone}{card.size} pixels"


def _files(model: Path) -> list[Path]:
    stem = model.name.removesuffix(model.suffix)
    names = [model.name, f"{model.name}.json", f"{stem}.fp32.onnx", f"{stem}.fp32.onnx.json", f"{stem}.split.csv"]
    return [*map(model.with_name, names), *model.parent.glob(f"{stem}.reference.npz"), *model.parent.glob("*.golden.*")]


def _total(measured: Measured) -> float:
    return float(sum(stage["cpu"] for stage in measured["stages"].values()))


def _cell(seconds: list[float]) -> str:
    return f"{median(seconds):.1f}" if seconds else ""


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
