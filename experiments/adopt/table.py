"""Adopt models that other libraries made, convert each to every precision, and list what was found.

  python experiments/adopt/table.py --torch torch-env/bin/python --tf-keras tf-keras
  python experiments/adopt/table.py --only tutorial.h5
  python experiments/adopt/table.py --only

Needs photos of cats and dogs, and weights of ResNet50, for the model of the tutorial, at 224 pixels; the others are
trained briefly on drawn images of 64 pixels. A model that is already in --models is not made again. The table has every
model that was adopted there; with --only and no name nothing else is done.
"""

import argparse
import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.support import make_parser, run_program, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table

TITLE = "Adopted models"
TEXT = """
Each model was made by the library that is named, as its users make it, adopted without naming its preprocessing, and
converted. *found*: the images decided which known preprocessing it is; *named*: they did not, and it was named then.
*max difference* is between the probabilities of the original, run by its own runtime with its own preprocessing, and of
the wrapped model, on the held-out images of the folder. A precision shows the agreement with the original on the same
images, and whether the accuracy gate accepts it with its default limits. Where a model has 10 or 1,000 classes, two of
them have images, and nothing is verified for the others.

The tutorial's model classifies photos of cats and dogs, and its head was fitted on 1,000 others. The small ones were
trained briefly, on 800 drawn images of cats and dogs; those with a low top-1 are unsure of many images, whose labels
change easily. How long they are trained was chosen after shorter trainings: MobileNetV2 guessed after 4 epochs, and its
int8 was rejected. Earlier versions of this file have the figures.

Measured on {hosts}, with `python experiments/adopt/table.py`; int8 with
`{calibration}`. The figures are those of the cards, which one run or several (`--only`) have
written.
"""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "adopt.md")
    parser.add_argument(
        "--torch", type=Path, metavar="PYTHON", help="a Python with torch, torchvision, onnx, onnxscript"
    )
    parser.add_argument("--tf-keras", type=Path, metavar="FOLDER", help="where tf-keras is installed (pip --target)")
    parser.add_argument("--photos", type=Path, default=Path("photos"), metavar="FOLDER", help="default: %(default)s")
    parser.add_argument(
        "--weights", type=Path, default=Path("resnet50-notop.weights.h5"), metavar="FILE", help="default: %(default)s"
    )
    parser.add_argument("--models", type=Path, default=Path("artifacts/adopt"), help="where everything is written")
    parser.add_argument(
        "--only", nargs="*", metavar="FILE", help="adopt only these models, by file name; without a name: none"
    )
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Make, adopt and convert the chosen models, and write the table of all that are in the folder."""
    from experiments.adopt.cases import HEADINGS, MODELS, build, hosts_of, rows_of
    from temper.system.host import describe_host

    chosen = [each for each in MODELS if options.only is None or each.file in options.only]
    drawn = (options.models / "drawn").resolve()
    if chosen:
        run_program("data/run.py", "draw", drawn, "--train", "400", "--test", "150")
    for model in chosen:
        build(model, drawn, options)
    rows = [row for model in MODELS for row in rows_of(model, options.models)]
    hosts = {host for model in MODELS for host in hosts_of(model, options.models)} or {describe_host()}
    names = "; ".join(sorted(f"{host.processor}, {host.cores} cores" for host in hosts))
    table = Table(headings=HEADINGS, rows=rows, right=frozenset({5, 6}))
    # The text names the machines of all runs.
    write_report(options.out, TITLE, text_of(names), table, with_machine=False)
    return 0


def text_of(hosts: str) -> str:
    """What stands above the table. hosts: the machines that have measured."""
    from experiments.adopt.cases import CALIBRATION

    return TEXT.format(hosts=hosts, calibration=" ".join(CALIBRATION)).strip()


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
