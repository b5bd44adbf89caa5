"""Attack artifacts and cards of a tiny classifier, and count what is refused and what is not noticed.

    python experiments/attacks/run.py --tries 300

The artifacts are ONNX Runtime's and OpenVINO's in fp32 and int8, and files as those of Keras and TensorFlow, which are
checked before these libraries are imported.
"""

import argparse
import importlib
import json
import sys
import tempfile
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.support import make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table

# Name: "module:function", and how many tries for each of --tries.
SUITES = {
    "flipped bits, honest card": ("experiments.attacks.flips:run", 1),
    "flipped bits, checksum made to fit": ("experiments.attacks.flips:run_sealed", 1),
    "every bit of a card": ("experiments.attacks.cards:run", 1000),
    "edited cards, sealed again": ("experiments.attacks.cards:run_sealed", 1),
    "swapped while they are opened": ("experiments.attacks.swaps:run", 1),
    "hostile files": ("experiments.attacks.hostile:run", 1),
}
COLUMNS = ("tried", "ok", "refused", "silent", "traceback", "crash", "seconds")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "attacks.md")
    parser.add_argument("--tries", type=int, default=300, metavar="N", help="tries of a suite (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of everything that is random (default: 0)")
    parser.add_argument("--suite", choices=SUITES, action="append", help="only this one; may be repeated")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Run the suites and write the table; the exit code is 1 when something was not noticed."""
    rows, failures = [], 0
    for name in options.suite or SUITES:
        function, factor = SUITES[name]
        module, _, attribute = function.partition(":")
        with tempfile.TemporaryDirectory() as scratch:
            counts = getattr(importlib.import_module(module), attribute)(
                factor * options.tries, options.seed, Path(scratch)
            )
        failures += counts["silent"] + counts["traceback"] + counts["crash"]
        more = {key: value for key, value in counts.items() if key not in COLUMNS and value not in (0, [])}
        rows.append((name, *(str(counts[each]) for each in COLUMNS), json.dumps(more) if more else ""))
    write_report(
        options.out,
        "Damaged, edited and hostile artifacts",
        "ok: harmless, or the result is right. refused: one message. silent: another result without a message. With a "
        "checksum that was made to fit, no check can notice a changed weight: ok then means that it loads, and "
        "`changed` counts those of them that pass the self-test with another label for a golden image. "
        f"`python experiments/attacks/run.py --tries {options.tries} --seed {options.seed}` repeats the measurement.",
        Table(headings=("attack", *COLUMNS, "more"), rows=rows),
    )
    return int(failures > 0)


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
