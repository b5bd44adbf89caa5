"""Train every backbone on a few photos, convert it at every precision, and write what the accuracy gate decides.

    python experiments/backbones/run.py --photos photos
    python experiments/backbones/run.py --photos photos --backbones efficientnetlite0 mobilenetv2

A head is trained on the backbones whose ImageNet weights are installed as packages; every layer of the others is
trained from scratch for some epochs, so their accuracy says nothing about the network. Each training and conversion is
a process of its own. What is in the work folder and up to date is not made again: after Ctrl-C the same command goes
on.
"""

import argparse
import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.support import make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table
from train.network.backbones import BACKBONES

HEADINGS = (
    "backbone", "weights", "pixels", "Keras top-1 %", "artifact", "top-1 %", "agreement %", "max diff", "gate",
    "in float", "executed", "MB", "CPU-ms",
)  # fmt: skip
# Options that decide the figures.
SETTINGS = ("size", "imagenet_size", "epochs")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "backbones.md")
    add = parser.add_argument
    add("--photos", type=Path, required=True, metavar="FOLDER", help="labeled photos, as for train/run.py")
    add("--backbones", nargs="+", default=list(BACKBONES), choices=BACKBONES, metavar="NAME", help="default: all")
    add("--size", type=int, default=64, metavar="PIXELS", help="image size from scratch (default: %(default)s)")
    add("--imagenet-size", type=int, default=160, metavar="PIXELS", help="with ImageNet weights (default: %(default)s)")
    add("--epochs", type=int, default=6, metavar="N", help="epochs from scratch (default: %(default)s)")
    add(
        "--work",
        type=Path,
        default=Path("artifacts/backbones"),
        metavar="FOLDER",
        help="models and artifacts (default: %(default)s)",
    )
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Make what is missing, and write the table of all backbones that are in the work folder."""
    from experiments.backbones.cases import build, rows_of
    from temper.cli.progress import ProgressDisplay

    with ProgressDisplay() as progress:
        for number, name in enumerate(options.backbones):
            progress(f"backbones ({name})", number, len(options.backbones))
            build(name, options)
        progress("backbones", len(options.backbones), len(options.backbones))
    rows = [row for name in BACKBONES for row in rows_of(name, options.work)]
    write_report(
        options.out,
        "Every backbone at every precision",
        "*ImageNet*: a head by `--head lbfgs` on a frozen backbone. *scratch*: every "
        f"layer is trained for {options.epochs} epochs; such a network is unsure of most photos, so small differences "
        "change many labels, and its accuracy says nothing about the architecture. *agreement*: photos with the same "
        "label as Keras. *gate*: with the limits of `python convert/run.py`. *in float*: layers that int8 left in "
        "floating point to pass the gate. *CPU-ms*: median CPU time of a call with one photo, all threads together; "
        "networks that were rejected are not timed.",
        f"`{' '.join(['python experiments/backbones/run.py --photos photos', *_changed(options)])}` repeats it.",
        Table(headings=HEADINGS, rows=rows, right=frozenset({2, 3, 5, 6, 7, 11, 12})),
        packages=("keras", "tensorflow", "onnxruntime", "openvino"),
    )
    return 0


def _changed(options: argparse.Namespace) -> list[str]:
    default = parse(["--photos", "photos"])
    changed = {name: vars(options)[name] for name in SETTINGS if vars(options)[name] != vars(default)[name]}
    return [f"--{name.replace('_', '-')} {value}" for name, value in changed.items()]


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
