"""Build, self-test and measure every precision of a model on this machine's GPU, as far as the card allows.

    python experiments/gpu_check/run.py artifacts/model.keras
    python experiments/gpu_check/run.py artifacts/model.keras --data photos "--options=--builder-option level=5"

Every step is a process of its own. A step that fails is a row of the table, with the words of its error, and the next
one goes on: a card that TensorRT refuses is still measured with Keras and with ONNX Runtime's provider for CUDA. A step
that takes too long is stopped.
Writes check.json and check.md after every step, and the report of the benchmark.
"""

import argparse
import itertools
import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.support import RESULTS, make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table
from temper.escaping import visible
from temper.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiments.gpu_check.steps import Step

BATCH_SIZES = "1,8,32,128"
# Of an error in the table; all of it is below the table and in check.json.
MAX_WORDS = 300
# How the message of a command begins; other lines before it show its progress.
ERROR = "error: "
UNFINISHED = (
    "**The check has not ended:** these are the steps that are done. The comparison and the benchmark may be missing."
)
# Longer than any in a message.
FENCE = "`````"
PACKAGES = (
    "tensorrt",
    "tensorrt-cu12",
    "tensorrt-rtx-cu13",
    "onnxruntime-gpu",
    "onnxruntime",
    "keras",
    "tensorflow",
)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__)
    add = parser.add_argument
    add("model", type=Path, help="a trained or adopted model, with its card")
    add("--data", type=Path, metavar="FOLDER", help="the model's images, if they have moved (default: as in the card)")
    add("--options", type=shlex.split, default=[], metavar="WORDS", help="options of convert/run.py for every plan")
    text = "where the results are written (default: benchmarks/results/GPU, with the name of the GPU)"
    add("--out", type=Path, metavar="FOLDER", help=text)
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Run every step and write the results; returns 1 when one failed. Raises IncompatibleMachine without a GPU."""
    from experiments.gpu_check.half_floats import compare, were_measured
    from experiments.gpu_check.steps import doctor, onnx_steps, plan_steps, step
    from temper.artifact import Artifact
    from temper.errors import IncompatibleMachine

    machine = doctor()
    gpu = machine["gpu"]
    if not isinstance(gpu, dict):
        raise IncompatibleMachine(
            "no NVIDIA GPU responds here",
            fix="`python infer/run.py doctor` shows what is missing. Without a GPU, `make bench` measures the CPU.",
        )
    model = Artifact.at(options.model).verified()
    out = options.out or RESULTS / str(gpu["name"]).replace(" ", "-")
    moved = ["--data", str(options.data)] if options.data else []
    words = ["--batch-sizes", BATCH_SIZES, "--out", str(out), "--no-thumbnails", *moved]

    def benchmark() -> "Iterator[Step]":
        yield step("benchmark", ["benchmarks/run.py", str(model.path.parent), *words])

    steps: list[Step] = []
    for each in itertools.chain(plan_steps(model, options.data, options.options), onnx_steps(model), benchmark()):
        steps.append(each)
        # A rented machine may be gone before the last step.
        write_results(out, machine, steps)
    write_results(out, machine, steps, compare(out / "report.json") if were_measured(steps) else "")
    return ExitCode.OK if all(each.passed for each in steps) else ExitCode.SOME_FAILED


def write_results(out: Path, machine: dict[str, object], steps: "list[Step]", comparison: str | None = None) -> None:
    """Write check.json with everything, and check.md with a row for each step, long refusals and the comparison below.

    comparison: None while steps are missing; then nothing is printed.
    """
    from temper.storage.atomic import write_text

    out.mkdir(parents=True, exist_ok=True)
    is_complete = comparison is not None
    record = {
        "machine": machine, "complete": is_complete, "steps": [asdict(each) for each in steps], "int8": comparison or ""
    }  # fmt: skip
    write_text(out / "check.json", json.dumps(record, indent=1) + "\n")
    rows = [(each.name, _outcome(each), f"{each.seconds:.1f}", _cell(each)) for each in steps]
    gpu = machine["gpu"]
    assert isinstance(gpu, dict)
    write_report(
        out / "check.md",
        f"What runs on this {gpu['name']}",
        f"Compute capability {gpu['compute_capability']}, driver {gpu['driver']}, CUDA up to {gpu['cuda']}. "
        "`make gpu-check` repeats it. report.md has latency, throughput and accuracy of everything that was built.",
        "" if is_complete else UNFINISHED,
        Table(headings=("step", "result", "s", "what it printed"), rows=rows, right=frozenset({2})),
        *_long_refusals(steps),
        comparison or "",
        packages=PACKAGES,
        is_printed=is_complete,
    )


def _outcome(step: "Step") -> str:
    from experiments.gpu_check.steps import STOPPED

    if step.code == STOPPED:
        return "stopped"
    return "passed" if step.passed else f"failed (exit code {step.code})"


def _message(step: "Step") -> list[str]:
    """Lines: of a success the last one; of a failure its last error, else all of them."""
    lines = step.words.splitlines() or [""]
    if step.passed:
        return lines[-1:]
    begins = [i for i, line in enumerate(lines) if line.startswith(ERROR)]
    return lines[begins[-1] if begins else 0 :]


def _cell(step: "Step") -> str:
    """The message in one line of a table, cut."""
    message = _message(step)
    text = " ".join(message)
    if len(text) <= MAX_WORDS:
        return text
    if not step.passed and not message[0].startswith(ERROR):
        # A traceback, or what native code printed before it crashed.
        return f"… {text[-MAX_WORDS:]}"
    return f"{text[:MAX_WORDS]} …"


def _long_refusals(steps: "list[Step]") -> "Iterator[str]":
    """The messages of failures that the table cuts, complete."""
    for each in steps:
        message = _message(each)
        if not each.passed and len(" ".join(message)) > MAX_WORDS:
            text = "\n".join(visible(line, "\t") for line in message)
            yield f"**{each.name}:**\n\n{FENCE}\n{text}\n{FENCE}"


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
