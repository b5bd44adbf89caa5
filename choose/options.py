"""The command line, and the networks that it asks for."""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

from temper.artifact import Artifact
from temper.card import PRECISIONS
from temper.cli.options import add_rare_option, check_limits, fields_of
from temper.errors import UsageError
from train.config import TrainingConfig
from train.network.backbones import BACKBONES

IMAGENET = "imagenet"
DEFAULT_BACKBONES = ("resnet50", "efficientnetlite0")
DEFAULT_SIZES = (160, 224)
DEFAULT = "(default: %(default)s)"
# Numbers of this command line that a training checks.
FOR_TRAINING = ("seed", "held_out_fraction")


@dataclass(frozen=True, kw_only=True)
class Network:
    """A backbone at an input size in pixels. weights: "imagenet" or a file. folder: of its artifacts."""

    backbone: str
    size: int
    weights: str
    folder: Path

    @property
    def name(self) -> str:
        """As in a report: "resnet50-224"."""
        return f"{self.backbone}-{self.size}"

    @property
    def model(self) -> Artifact:
        """The trained model, whether or not it is there yet."""
        return Artifact.at(self.folder / "model.keras")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add every option; --help-all (temper.cli.options) shows the rare ones too."""
    _add_network_options(parser.add_argument_group("networks"))
    _add_limits(parser.add_argument_group("limits of what is chosen"))
    _add_measurement_options(parser.add_argument_group("measurement"))


def networks_of(options: argparse.Namespace) -> list[Network]:
    """Every backbone at every size, in the order of the command line. Raises UsageError for what is not possible."""
    if unknown := [each for each in options.backbones if each not in BACKBONES]:
        raise UsageError(
            f"{unknown[0]} is no backbone",
            fix=f"Expected some of {', '.join(BACKBONES)}, with spaces between them.",
        )
    check_limits(options, [each for each in fields_of(TrainingConfig) if each.name in FOR_TRAINING])
    weights = _weights_of(options.weights, options.backbones)
    return [
        Network(backbone=backbone, size=size, weights=weights[backbone], folder=options.out / f"{backbone}-{size}")
        for backbone in dict.fromkeys(options.backbones)
        for size in dict.fromkeys(options.sizes)
    ]


def _weights_of(words: list[str], backbones: list[str]) -> dict[str, str]:
    weights = dict.fromkeys(backbones, IMAGENET)
    for word in words:
        backbone, separator, file = word.partition("=")
        if word == IMAGENET:
            continue
        if not separator or backbone not in weights or not file:
            raise UsageError(
                f"--weights {word} is not possible",
                fix=f"Expected {IMAGENET}, or BACKBONE=FILE for one of {', '.join(weights)}.",
            )
        if not Path(file).is_file():
            raise UsageError(f"{file} is no file. Expected a file of weights of {backbone}", fix="Check the path.")
        weights[backbone] = file
    return weights


def _add_network_options(group: "argparse._ArgumentGroup") -> None:
    default, add = TrainingConfig(), group.add_argument
    add("--data", type=Path, required=True, metavar="FOLDER", help="the labeled images, as for train/run.py")
    add(
        "--backbones", nargs="+", default=list(DEFAULT_BACKBONES), metavar="NAME",
        help=f"some of {', '.join(BACKBONES)} (default: {' '.join(DEFAULT_BACKBONES)})",
    )  # fmt: skip
    add(
        "--sizes", nargs="+", type=_size, default=list(DEFAULT_SIZES), metavar="PIXELS",
        help=f"heights and widths of the images (default: {' '.join(map(str, DEFAULT_SIZES))})",
    )  # fmt: skip
    add(
        "--weights", nargs="+", action="extend", default=[], metavar="WEIGHTS",
        help=f"{IMAGENET}, or BACKBONE=FILE for one backbone; may be repeated (default: {IMAGENET})",
    )  # fmt: skip
    add(
        "--precisions", nargs="+", choices=PRECISIONS, metavar="PRECISION",
        help="some of fp32, fp16, int8 (default: fp32 and int8, and fp16 where a GPU is)",
    )  # fmt: skip
    add(
        "--out", type=Path, default=Path("artifacts/choose"), metavar="FOLDER",
        help=f"where networks and the report are written {DEFAULT}",
    )  # fmt: skip
    add_rare_option(
        group, "--seed", type=int, default=default.seed, help=f"of the split and of all trainings {DEFAULT}"
    )
    add_rare_option(
        group, "--held-out-fraction", type=float, default=default.held_out_fraction, metavar="FRACTION",
        help=f"as for train/run.py {DEFAULT}",
    )  # fmt: skip
    text = "go on although an image is in two subsets"
    add_rare_option(group, "--accept-leaks", action="store_true", help=text)


def _add_limits(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    add("--max-ms", type=_number, metavar="MS", help="highest median latency of one image, in milliseconds")
    add("--min-images-per-second", type=_number, metavar="N", help="lowest throughput, at the best batch size measured")
    add("--max-mb", type=_number, metavar="MB", help="largest size of the artifact's files, in millions of bytes")
    add(
        "--max-loss", type=_number, metavar="POINTS",
        help="how far the accuracy may be below the most accurate artifact, in percentage points "
        "(default: 1, without --min-accuracy)",
    )  # fmt: skip
    add("--min-accuracy", type=_percentage, metavar="PERCENT", help="lowest accuracy on the validation images")


def _add_measurement_options(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    add(
        "--seconds", type=_number, default=4.0, help="of calls, for each artifact and batch size (default: %(default)g)"
    )
    add_rare_option(
        group, "--max-images", type=_count, default=1000, metavar="N",
        help=f"validation images, and test images, at most {DEFAULT}",
    )  # fmt: skip
    add_rare_option(
        group, "--baseline", default="", metavar="NAME",
        help="what others are compared with, such as 'resnet50-224 int8.onnx' (default: the fastest int8 artifact of "
        "resnet50 at the largest size; without resnet50, of the first network)",
    )  # fmt: skip
    text = "measure although the last measurement is of the same artifacts"
    add_rare_option(group, "--measure-again", action="store_true", help=text)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number of at least 0, got {text!r}")
    return number


def _percentage(text: str) -> float:
    number = _number(text)
    # 0.97 would be a limit that every artifact reaches.
    if not 1 <= number <= 100:
        raise argparse.ArgumentTypeError(f"expected a percentage from 1 to 100, such as 97, got {text!r}")
    return number


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return int(text)


def _size(text: str) -> int:
    if not (text.isdecimal() and 32 <= int(text) <= 1024):
        raise argparse.ArgumentTypeError(
            f"expected whole numbers from 32 to 1024 with spaces between them, got {text!r}"
        )
    return int(text)
