"""The options of the door: what can be said, what is chosen when it is not, and what is refused."""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from temper.errors import UserError
from temper.storage.atomic import sha256_of
from train.config import Augmentation, TrainingConfig
from train.network.backbones import BACKBONES

HEAD: dict[str, Any] = {"size": 224, "epochs": 2, "batch": 8, "learning_rate": 1e-4, "layers": "head"}
ALL: dict[str, Any] = {"size": 224, "epochs": 2, "batch": 16, "learning_rate": 1e-3, "layers": "all"}
SCRATCH: dict[str, Any] = {**ALL, "size": 64, "epochs": 8}
KEPT = (
    "dropout", "held_out", "seed", "head", "passes", "patience", "calibrate", "backbone", "fine_tune", "class_weights",
    "label_smoothing",
)  # fmt: skip
LIMITS: dict[str, tuple[float, float]] = {
    "size": (32, 1024), "epochs": (1, 10_000), "batch": (1, 4096), "learning_rate": (1e-9, 10.0),
    "held_out": (0.01, 0.9), "dense": (0, 65_536), "passes": (1, 1000), "fine_tune": (0, 10_000),
    "patience": (0, 10_000), "dropout": (0.0, 0.95), "label_smoothing": (0.0, 0.9), "seed": (0, 2**32 - 1),
    "rotation": (0, 180), "zoom": (0, 0.9), "shift": (0, 0.9), "shear": (0, 0.9), "brightness": (0, 0.9),
}  # fmt: skip


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add every option, in groups."""
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="FOLDER", help="labelled pictures")
    add("--out", type=Path, default=Path("artifacts/model.keras"), metavar="FILE", help="(%(default)s)")
    add("--weights", default="imagenet", metavar="START", help="imagenet, none, or a file (%(default)s)")
    add("--backbone", choices=tuple(BACKBONES), default="resnet50", metavar="NAME", help=f"{', '.join(BACKBONES)}")
    _add_learning(parser.add_argument_group("learning"))
    _add_head(parser.add_argument_group("the head on a frozen backbone"))
    _add_augmentation(parser.add_argument_group("augmentation, to either side; 0 for none"))
    run = parser.add_argument_group("the run, not what comes out").add_argument
    run("--force", action="store_true", help="train though the model is up to date, or a training was interrupted")
    run("--find-rate", action="store_true", help="try rising learning rates, draw what the loss did, and stop")
    run("--accept-leaks", action="store_true", help="train although a picture is in two parts at once")
    run("--resume", action="store_true", help="go on with an interrupted training")
    run("--tensorboard", action="store_true", help="write event files to FILE's name with .tensorboard")
    run(
        "--distribute", choices=("none", "mirrored", "workers"), default="none",
        help="all layers and fine-tuning on all GPUs here, or on the machines in TF_CONFIG (%(default)s)",
    )  # fmt: skip


def check_options(options: argparse.Namespace) -> None:
    """Raise UserError for what cannot be."""
    for name, (low, high) in LIMITS.items():
        value = getattr(options, name)
        if value is not None and not low <= value <= high:
            raise UserError(f"--{name.replace('_', '-')} is {value:g}. Expected a number from {low:g} to {high:g}.")
    if options.out.suffix != ".keras":
        raise UserError(
            f"--out is {options.out}. Expected a name that ends in .keras; `make convert` makes the others."
        )
    for folder in options.out.parents:
        if folder.exists() and not folder.is_dir():
            raise UserError(f"{options.out} cannot be written: {folder} is a file. Name another place with --out.")
    if options.weights not in ("imagenet", "none") and not Path(options.weights).is_file():
        raise UserError(f"{options.weights} does not exist. Expected --weights imagenet, none, or a file of weights.")


def check_place(out: Path) -> None:
    """Raise UserError where nothing can be written: better told now than after the training."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise UserError(f"{out} cannot be written ({error.strerror}). Name a place that can with --out FILE.") from None


def recipe_of(options: argparse.Namespace, weights: str) -> TrainingConfig:
    """The recipe that the options ask for; weights: "none" where ImageNet's could not be fetched.

    Raises UserError for options that contradict each other.
    """
    _check_together(options, weights)
    dense = options.dense if options.dense is not None else 0 if options.head == "lbfgs" else 256
    defaults = SCRATCH if weights == "none" else ALL if options.layers == "all" else HEAD
    chosen = {
        name: value if getattr(options, name) is None else getattr(options, name) for name, value in defaults.items()
    }
    if weights not in ("imagenet", "none"):
        weights = f"{Path(weights).name} sha256:{sha256_of(Path(weights))}"
    augmentation = Augmentation(
        options.rotation, options.zoom, options.shift, options.shear, options.brightness, options.flip
    )
    fixed = {name: getattr(options, name) for name in KEPT}
    return TrainingConfig(weights=weights, augmentation=augmentation, dense=dense, **chosen, **fixed)


def _check_together(options: argparse.Namespace, weights: str) -> None:
    nothing = weights == "none"
    if nothing and options.layers == "head":
        raise UserError(
            "A head on a backbone that knows nothing learns little. Name weights with --weights FILE, or train "
            "every layer: --train-layers all."
        )
    every_layer = nothing or options.layers == "all"
    if options.head == "lbfgs" and (every_layer or options.dense):
        raise UserError(
            "--head lbfgs solves a head without a hidden layer on a frozen backbone. Leave --dense and --train-layers "
            "out and name weights, or use --head keras."
        )
    if options.find_rate and options.head == "lbfgs":
        raise UserError("--head lbfgs solves the head without a learning rate. Leave --find-rate or --head out.")
    if options.fine_tune and every_layer:
        raise UserError(
            "--fine-tune adjusts the top blocks after a head was trained on a frozen backbone; here every layer learns "
            "anyway. Leave it out, or name weights and leave --train-layers out."
        )
    if options.distribute != "none" and not (every_layer or options.fine_tune):
        raise UserError(
            "--distribute shares out training through the backbone, and a head alone trains in seconds without. Add "
            "--fine-tune N or --train-layers all, or leave it out."
        )


def _add_learning(group: Any) -> None:
    add = group.add_argument
    add("--train-layers", dest="layers", choices=("head", "all"), help="which layers learn")
    add(
        "--fine-tune", type=int, default=0, metavar="N", help="then the top blocks too, N epochs at a tenth of the rate"
    )
    add("--size", type=int, metavar="PIXELS", help="height and width of a picture")
    add("--epochs", type=int, metavar="N", help="times all pictures are shown")
    add("--batch", type=int, metavar="N", help="pictures a step")
    add("--learning-rate", type=float, metavar="RATE", help="the highest")
    add("--patience", type=int, default=0, metavar="EPOCHS", help="stop without gain on validation; 0: never")
    add("--label-smoothing", type=float, default=0.0, metavar="SHARE", help="spread over all labels (%(default)s)")
    add(
        "--class-weights",
        choices=("none", "balanced"),
        default="none",
        help="balanced: rare labels count as much (none)",
    )
    add("--held-out", type=float, default=0.2, metavar="SHARE", help="not trained on (%(default)s)")
    add("--seed", type=int, default=0, metavar="N", help="equal seeds give equal models (%(default)s)")
    add("--no-calibrate", dest="calibrate", action="store_false", help="leave confidence as it is")


def _add_head(group: Any) -> None:
    add = group.add_argument
    add("--head", choices=("keras", "lbfgs"), default="keras", help="by epochs, or solved to its optimum (keras)")
    add("--passes", type=int, default=2, metavar="N", help="augmented passes whose features are kept (%(default)s)")
    add("--dense", type=int, metavar="UNITS", help="hidden units: 256, or 0 for lbfgs")
    add("--dropout", type=float, default=0.5, metavar="SHARE", help="before the last layer (%(default)s)")


def _add_augmentation(group: Any) -> None:
    default = Augmentation()
    group.add_argument("--rotation", type=float, default=default.rotation, metavar="DEGREES", help="(%(default)s)")
    for name in ("zoom", "shift", "shear", "brightness"):
        value = getattr(default, name)
        group.add_argument(f"--{name}", type=float, default=value, metavar="SHARE", help="(%(default)s)")
    group.add_argument("--no-flip", dest="flip", action="store_false", help="never swap left and right")
