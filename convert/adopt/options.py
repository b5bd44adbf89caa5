"""The command line of `adopt`."""

import argparse
from pathlib import Path

from temper.card.values import MAX_SIZE
from temper.cli.console import CommandParser, add_verbosity_options
from temper.cli.options import whole_number

DESCRIPTION = """Adopt a model that was trained elsewhere.

    python convert/run.py adopt cats.h5 --labels cat,dog --data photos
    python convert/run.py adopt resnet.onnx --labels labels.txt --preprocessing torch --data photos
    python convert/run.py adopt folder --trust --labels cat,dog --data photos

Its preprocessing, and a softmax if it gives logits, are put inside, so that it takes uint8 RGB pixels like every other
artifact. It is published only if its predictions on held-out images are those of the original with its own
preprocessing. From there everything is as after a training: python convert/run.py artifacts/cats.keras --precision int8
"""


def parse_adopt(arguments: list[str]) -> argparse.Namespace:
    """Read the command line behind the word `adopt`."""
    parser = CommandParser(
        prog="python convert/run.py adopt",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("original", type=Path, metavar="MODEL", help=".keras, .h5 or .onnx file, or the folder of a SavedModel")
    add(
        "--data", type=Path, required=True, metavar="FOLDER",
        help="labeled images that the model was not trained on: one folder for each label, or train/ and test/",
    )  # fmt: skip
    add(
        "--labels", metavar="NAMES",
        help="cat,dog or a text file with one on each line, in the order of the output (default: the names of the "
        "folders, sorted, as Keras reads them)",
    )  # fmt: skip
    add(
        "--preprocessing", metavar="NAME",
        help='caffe, tf, torch, unit (0 to 1), none, or "scale, mean, std, order"; by default the one that fits best '
        "is found with the labels of the images",
    )  # fmt: skip
    _add_model_options(parser)
    add(
        "--out", type=Path, metavar="PATH",
        help="folder and name of the artifact, without a suffix (default: artifacts/NAME of the model)",
    )  # fmt: skip
    add(
        "--held-out-fraction", type=float, default=0.6, metavar="FRACTION",
        help="fraction of the images that are held out: one half tests the adopted model and every conversion, the "
        "other half chooses between conversions to int8; the rest calibrates int8 (default: %(default)s)",
    )  # fmt: skip
    add_verbosity_options(parser)
    return parser.parse_args(arguments)


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    """Options for what the model itself does not say."""
    add = parser.add_argument
    size = whole_number(1, MAX_SIZE)
    add("--layout", choices=("NHWC", "NCHW"), help="channels last or first (default: what the model says)")
    add("--size", type=size, metavar="PIXELS", help="height and width of the images, where the model takes any size")
    add(
        "--output", choices=("auto", "probabilities", "logits"), default="auto",
        help="what the model gives (default: %(default)s, found from the values)",
    )  # fmt: skip
    add("--signature", default="", metavar="NAME", help="which signature of a SavedModel (default: serving_default)")
    add("--trust", action="store_true", help="a SavedModel can run any code: say that you know who made this one")
