"""Measure how long a fresh process takes until its first label, by stage and by import, beside Keras.

    python experiments/cold_start/run.py artifacts/ cat.jpg
    python experiments/cold_start/run.py artifacts/ cat.jpg --before ../before --rounds 6

Starts `infer/run.py` for the int8 artifacts and the Keras model of a folder, with the code of this tree and of another
one (such as a git worktree), and the shortest programs that do the same with each library alone; in interleaved rounds.
"""

import argparse
import os
import random
import sys
import tempfile
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.cold_start.processes import (
    Start,
    command,
    import_milliseconds,
    minimal,
    stage_milliseconds,
    start,
)
from experiments.cold_start.report import ALONE, KERAS, NOW, Measured, Program, sections
from experiments.support import ROOT, make_parser, write_report
from temper.cli.entry_point import run_command
from temper.errors import ArtifactError

SUFFIXES = (".int8.onnx", ".int8.xml", KERAS)
# A start of Keras takes as long as many of the others.
STARTS_IN_A_ROUND = 3
SEED = 0


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "cold-start.md")
    add = parser.add_argument
    add("artifacts", type=Path, help="a folder with model.int8.onnx, model.int8.xml and model.keras, or some of them")
    add("image", type=Path, help="an image file")
    add("--before", type=Path, metavar="TREE", help="another tree of this project, which is measured beside this one")
    add("--rounds", type=int, default=6, metavar="N", help="rounds (default: %(default)s)")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Measure, and write the tables."""
    artifacts = {suffix: path for suffix in SUFFIXES for path in sorted(options.artifacts.glob(f"*{suffix}"))[:1]}
    if not artifacts:
        raise ArtifactError(f"{options.artifacts} holds none of {', '.join(SUFFIXES)}", fix="Name another folder.")
    trees = ({"before": options.before.resolve()} if options.before else {}) | {NOW: ROOT}
    with tempfile.TemporaryDirectory(prefix="temper-cold-start-") as folder:
        # The programs write and read an own cache; what the first start stores is used by all that are measured.
        os.environ["XDG_CACHE_HOME"] = folder
        programs = {
            (suffix, code): command(tree, path, options.image)
            for suffix, path in artifacts.items()
            for code, tree in trees.items()
        }
        for words in programs.values():
            start(words)
        for suffix, path in artifacts.items():
            programs[suffix, ALONE] = minimal(_of_library(suffix, path, Path(folder)), options.image)
        measured = Measured(starts=_starts(programs, options.rounds))
        for (suffix, code), words in programs.items():
            if code in trees:
                repeated = range(_repetitions(suffix))
                times = [stage_milliseconds(trees[code], artifacts[suffix], options.image) for _ in repeated]
                measured.stages[suffix, code] = smallest(times)
                if suffix != KERAS:
                    measured.imports[suffix, code] = smallest([import_milliseconds(words) for _ in repeated])
    write_report(
        options.out,
        "From the start of a process to its first label",
        *sections(measured, trees),
        packages=("onnxruntime", "openvino", "keras", "tensorflow", "numpy"),
    )
    return 0


def smallest(times: list[dict[str, float]]) -> dict[str, float]:
    """The smallest value of each name: other work on the machine only adds to them."""
    return {name: min(each[name] for each in times if name in each) for name in times[0]}


def _starts(programs: dict[Program, list[str]], rounds: int) -> dict[Program, list[list[Start]]]:
    """For each program the starts of each round, in random order."""
    shuffled = random.Random(SEED)
    starts: dict[Program, list[list[Start]]] = {program: [] for program in programs}
    for number in range(rounds):
        order = [each for each in programs for _ in range(1 if each[0] == KERAS else STARTS_IN_A_ROUND)]
        for program in programs:
            starts[program].append([])
        for program in shuffled.sample(order, len(order)):
            starts[program][-1].append(start(programs[program]))
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return starts


def _of_library(suffix: str, artifact: Path, cache: Path) -> Path:
    """What the shortest program opens: the graph or the network that Temper has optimized, or the Keras model."""
    stored = {".int8.onnx": "*.onnx", ".int8.xml": "*.blob"}
    return next((cache / "temper").glob(stored[suffix])) if suffix in stored else artifact


def _repetitions(suffix: str) -> int:
    return 2 if suffix == KERAS else 8


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
