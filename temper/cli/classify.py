"""Classify images with an artifact; its suffix decides which runtime runs it.

    %(prog)s --engine artifacts/model.int8.onnx cat.jpg
    %(prog)s --engine artifacts/model.int8.plan photos/ 'more/*.png' --top-k 3 --json

An image that cannot be read is reported, the others are classified, and the exit code is 1.
"""

import argparse
import csv
import json
import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from temper.cli.console import add_verbosity_options
from temper.errors import UsageError
from temper.exit_codes import ExitCode
from temper.formats import suffixes

if TYPE_CHECKING:
    from temper.infer.results import Result

HEADER = ("file", "rank", "label", "probability", "unknown", "error")
LOGGER = logging.getLogger("temper.cli")


def add_parser(commands: Any) -> None:
    """Add the command `classify`."""
    parser = commands.add_parser(
        "classify", help="classify images", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("images", nargs="+", metavar="IMAGE", help="image files, folders of images, or quoted patterns")
    add("--engine", type=Path, required=True, metavar="ARTIFACT", help=f"path of an artifact ({', '.join(suffixes())})")
    help_of_top_k = "number of labels to show for each image (default: %(default)s)"
    add("--top-k", type=_positive, default=1, metavar="K", help=help_of_top_k)
    add(
        "--unknown",
        action="store_true",
        help="mark an image as unknown when the probability of its label is below the artifact's confidence threshold",
    )
    add(
        "--save",
        type=Path,
        metavar="FOLDER",
        help="also write each image, with its labels drawn below it, to FOLDER as NAME.labeled.png",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object for each image, each on its own line")
    form.add_argument("--csv", action="store_true", help=f"print a table with the columns {', '.join(HEADER)}")
    add_verbosity_options(parser)


def run(options: argparse.Namespace) -> int:
    """Classify and print; SOME_FAILED when an image could not be read."""
    from temper.artifact import Artifact
    from temper.infer.classify import classify
    from temper.infer.sources import iterate_sources
    from temper.runners.load import open_runner

    # Each file once, also when a folder and a pattern name it.
    files = list(dict.fromkeys(iterate_sources(options.images)))
    with open_runner(Artifact.at(options.engine)) as runner:
        threshold = runner.card.confidence_threshold if options.unknown else None
        if options.unknown and threshold is None:
            raise UsageError(
                f"--unknown needs a confidence threshold, and the card of {options.engine} has none",
                fix="Train and convert again, or leave --unknown out.",
            )
        results = classify(runner, files, options.top_k, threshold)
        return show(_saved(results, options.save), "json" if options.json else "csv" if options.csv else "text")


def show(results: Iterable["Result"], form: str) -> int:
    """Print results as they come ("text", "json" or "csv"); returns the exit code."""
    code, table = ExitCode.OK, csv.writer(sys.stdout, lineterminator="\n")
    if form == "csv":
        table.writerow(HEADER)
    for result in results:
        if result.error:
            code = ExitCode.SOME_FAILED
            sys.stdout.flush()
            LOGGER.error(result.error)
        if form == "json":
            print(json.dumps(result.as_dict(), ensure_ascii=False))
        elif form == "csv":
            table.writerows(_rows(result))
        elif not result.error:
            print(f"{result.source}: {result.text()} ({result.milliseconds:.1f} ms)")
    return code


def _rows(result: "Result") -> list[list[object]]:
    if result.error:
        return [[result.source, "", "", "", "", result.error]]
    unknown = {None: "", True: "yes", False: "no"}[result.unknown]
    return [
        [result.source, rank, each.label, f"{each.probability:.6f}", unknown, ""]
        for rank, each in enumerate(result.predictions, start=1)
    ]


def _saved(results: Iterable["Result"], folder: Path | None) -> Iterable["Result"]:
    """The same results, after each image is written to the folder. Images of the same name get a number."""
    used: set[str] = set()
    for number, result in enumerate(results):
        if folder and not result.error:
            stem = Path(result.source).stem
            name = f"{stem}-{number}" if stem in used else stem
            used.add(name)
            # The second suffix: an image in the same folder is never replaced.
            result.save(folder / f"{name}.labeled.png")
        yield result


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return int(text)
