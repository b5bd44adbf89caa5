"""A whole run: choose the rows, take their pictures, measure, and put the figures together."""

import contextlib
import dataclasses
import datetime
import os
import shlex
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.analysis import summarize as figures
from benchmarks.analysis.report import Line, Report, as_json
from benchmarks.analysis.verdict import with_verdicts
from benchmarks.cases import PLAIN_MODE, Row, controlled, find_rows, reference_of
from benchmarks.measurement import gpu_telemetry as nvidia
from benchmarks.measurement import peak_compute as peak
from benchmarks.measurement.end_to_end import BATCH, decode_seconds, enlarge
from benchmarks.measurement.samples import Measured, Plan, candidate
from benchmarks.measurement.session import Say, Session
from benchmarks.measurement.worker_process import time_calls
from temper.card import Card, versions
from temper.dataset.split import Example, read_split
from temper.images import load_images
from temper.reference import read_answers
from temper.runners.base import Probabilities
from temper.storage.atomic import write_text
from temper.system.host import describe_host

PACKAGES = ("tensorflow", "keras", "onnxruntime", "openvino", "tensorrt", "mlcommons-loadgen", "numpy", "pillow")
AS_THEY_ARE, TWELVE_MEGAPIXELS = "as they are", "12 megapixels"
FILES, LARGE_FILES = 32, 16
OVERHEAD_CALLS = 2000
MILLI, MICRO, GIGA = 1e3, 1e6, 1e9


@dataclass(frozen=True)
class Choices:
    """What the command line asks: see `python benchmarks/run.py --help`."""

    places: list[Path]
    data: Path | None
    pictures: int
    seconds: float
    batches: tuple[int, ...]
    cold_starts: int
    scenario_seconds: float
    bound_ms: float
    quick: bool
    no_thumbnails: bool
    out: Path


def conduct(choices: Choices, say: Say) -> Report:
    """Measure everything that was asked. Raises UserError when there is nothing to measure."""
    rows = find_rows(choices.places, choices.quick)
    examples = pictures_of(rows[0], choices)
    found = [candidate(row) for row in rows]
    twin = candidate(dataclasses.replace(controlled(rows), name="A/A control", control=True))
    kernels = {} if choices.quick else {name: Measured(f"peak {name}", o) for name, o in peak.peak_openers().items()}
    before = conditions()
    with _prepared(rows[0].card, examples, choices) as (pixels, files):
        during = _measure([*found, twin, *kernels.values()], pixels, _plan(choices, files), say)
        sets = [_file_set(title, chosen, rows[0].card) for title, chosen in files.items()]
    peaks = {name: _best_gops(name, each) for name, each in kernels.items() if not each.skipped}
    best = reference_of([each.row for each in found if each.row and not each.skipped])
    reference = next((each for each in found if best and each.row == best), None)
    report = Report(
        title=f"Temper on {title_of(rows[0].card)}",
        made_at=datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        command=shlex.join(["python", "benchmarks/run.py", *sys.argv[1:]]),
        pictures=len(examples),
        size=rows[0].card.size,
        reference=reference.name if reference else "",
        control=figures.make_control(next(each for each in found if each.row == controlled(rows)), twin),
        overhead_microseconds=overhead_microseconds(),
        peaks_gops=peaks,
        bound_ms=choices.bound_ms,
        machine=describe_host(),
        versions=versions(*PACKAGES),
        conditions={"before": before, **({"during": during} if during else {}), "after": conditions()},
        lines=_lines(found, reference.answers if reference else kept_answers(rows[0], choices), examples, sets),
    )
    lines = tuple(_with_share(line, peaks, _operations(rows)) for line in report.lines)
    return with_verdicts(dataclasses.replace(report, lines=lines))


def write(report: Report, choices: Choices) -> None:
    """Write report.json, report.md, report.html and report.png, each whole or not at all."""
    from benchmarks.rendering.html import as_page
    from benchmarks.rendering.markdown import as_markdown
    from benchmarks.rendering.png import draw

    examples = [] if choices.no_thumbnails else pictures_of(find_rows(choices.places)[0], choices)
    write_text(choices.out / "report.json", as_json(report))
    write_text(choices.out / "report.md", as_markdown(report))
    write_text(choices.out / "report.html", as_page(report, {f"{e.label}/{e.path.name}": e.path for e in examples}))
    draw(report, choices.out / "report.png")


def pictures_of(row: Row, choices: Choices) -> list[Example]:
    """The held-out pictures that are asked: every n-th of the split, which keeps the shares of its labels."""
    examples = read_split(row.artifact, row.card, "test", choices.data)
    return examples[:: _step(len(examples), choices)]


def kept_answers(row: Row, choices: Choices) -> Probabilities | None:
    """What the Keras model answered to the same pictures when artifacts were made of it, where that was kept."""
    answers = read_answers(row.artifact, row.card)
    return None if answers is None else answers[:: _step(len(answers), choices)]


def _step(count: int, choices: Choices) -> int:
    return max(1, -(-count // choices.pictures))


def title_of(card: Card) -> str:
    """What the pictures call themselves ("drawn sample"), or their folder's name."""
    return str(card.recipe.get("pictures") or Path(card.split["folder"]).name)


def conditions() -> dict[str, str]:
    """How busy the machine is, and the GPU's state where there is one."""
    load = {"load": f"{os.getloadavg()[0]:.2f}"} if hasattr(os, "getloadavg") else {}
    return {**load, **{f"gpu_{name}": value for name, value in nvidia.conditions().items()}}


def overhead_microseconds() -> float:
    """What the stop-watch adds to a call: the time it shows for a call that does nothing, at the worst of a hundred."""
    calls = time_calls(lambda images: None, np.zeros((8, 1, 1, 3), np.uint8), 1, OVERHEAD_CALLS, float("inf"))
    return MICRO * float(np.percentile(calls.wall_seconds, 99))


@contextlib.contextmanager
def _prepared(card: Card, examples: list[Example], choices: Choices) -> Iterator[tuple[Path, dict[str, list[Example]]]]:
    """The pictures as an array file, and the sets of files to go from file to label with."""
    with tempfile.TemporaryDirectory(prefix="temper-bench-") as folder:
        pixels = Path(folder) / "pictures.npy"
        np.save(pixels, np.stack(list(load_images((each.path for each in examples), card.size))))
        files: dict[str, list[Example]] = {}
        if not choices.quick:
            files[AS_THEY_ARE] = _spread(examples, FILES)
            files[TWELVE_MEGAPIXELS] = [
                dataclasses.replace(each, path=enlarge(each.path, Path(folder) / f"{i}.jpg"))
                for i, each in enumerate(_spread(examples, LARGE_FILES))
            ]
        yield pixels, files


def _spread(examples: list[Example], most: int) -> list[Example]:
    # Whole batches only: XLA would compile once more for a rest.
    n = min(most, len(examples))
    n = n // BATCH * BATCH or n
    return [examples[i * len(examples) // n] for i in range(n)]


def _plan(choices: Choices, files: dict[str, list[Example]]) -> Plan:
    return Plan(
        seconds=choices.seconds,
        batches=choices.batches,
        cold_starts=choices.cold_starts,
        files={title: [each.path for each in chosen] for title, chosen in files.items()},
        logs=choices.out / "loadgen",
        scenario_seconds=choices.scenario_seconds,
        bound_seconds=choices.bound_ms / MILLI,
    )


def _measure(found: list[Measured], pixels: Path, plan: Plan, say: Say) -> dict[str, str]:
    """Ask everything; returns the range of the GPU's state meanwhile."""
    with Session(found, pixels, plan, say) as session:
        session.answer()
        session.warm_up()
        session.latency()
        session.throughput()
        session.label_files()
        if plan.scenario_seconds:
            session.scenarios()
        session.count_memory()
    return {f"gpu_{name}": value for name, value in nvidia.range_of(session.conditions).items()}


def _lines(
    found: list[Measured], keras: Probabilities | None, examples: list[Example], sets: list[figures.FileSet]
) -> tuple[Line, ...]:
    rivals = [each for each in found if each.row and each.row.is_keras and not each.skipped]
    plain = next((each for each in rivals if each.row and each.row.mode == PLAIN_MODE), None)
    lines = []
    for each in found:
        line = figures.make_line(each, rivals, keras, examples)
        if line.latency:
            line = dataclasses.replace(line, end_to_end=figures.make_end_to_end(each, plain, sets))
        lines.append(line)
    return tuple(lines)


def _file_set(title: str, chosen: list[Example], card: Card) -> figures.FileSet:
    seconds = [decode_seconds(each.path, card.size) for each in chosen]
    ours, full = (MILLI * statistics.median(pair[way] for pair in seconds) for way in (0, 1))
    return figures.FileSet(title, tuple(card.labels.index(each.label) for each in chosen), ours, full)


def _best_gops(name: str, kernel: Measured) -> float:
    fastest = min(seconds for calls in kernel.latency for seconds in calls.wall_seconds)
    return peak.OPERATIONS[name] / fastest / GIGA


def _operations(rows: list[Row]) -> float | None:
    onnx_files = [row.artifact for row in rows if row.artifact.suffix == ".onnx"]
    plain = [path for path in onnx_files if "fp32" in path.name] or onnx_files
    return peak.operations_of(plain[0]) if plain else None


def _with_share(line: Line, peaks: dict[str, float], operations: float | None) -> Line:
    best = peaks.get(line.main_precision)
    if best is None or operations is None or line.costs is None or not line.throughput or line.device != "CPU":
        return line
    fastest = max(each.images_per_second.value for each in line.throughput)
    share = fastest * operations / GIGA / best
    return dataclasses.replace(line, costs=dataclasses.replace(line.costs, share_of_peak=share))
