"""The command-line options: generated from the fields of TrainingConfig, Augmentation and RunOptions, and checked."""

# option() calls dataclasses.field, which ruff does not see.
# ruff: noqa: RUF009

import argparse
import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from temper.artifact import Artifact
from temper.cli.options import Field, Option, add_option, check_limits, fields_of, flag_of, option
from temper.errors import ResourceError, UsageError
from temper.storage.digest import sha256_of
from train.config import DISTILLATION_WEIGHT, Augmentation, Distribute, TrainingConfig

FILES, RUN = "files", "run"
# Defaults that another option changes, by that option and its value; a later entry has priority.
PRESETS: dict[tuple[str, str], dict[str, Any]] = {
    ("head", "lbfgs"): {"hidden_units": 0, "distillation_temperature": 1.0},
    ("trainable", "all"): {"batch": 16, "learning_rate": 1e-3},
    ("weights", "none"): {"trainable": "all", "size": 64, "epochs": 8, "batch": 16, "learning_rate": 1e-3},
}


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Options that do not change the model."""

    data: Path = option(dataclasses.MISSING, FILES, "the labeled images", metavar="FOLDER", is_common=True)
    out: Path = option(
        Path("artifacts/model.keras"), FILES, "the model that is written", metavar="FILE", is_common=True
    )
    resume: bool = option(False, RUN, "continue an interrupted training", is_common=True)
    force: bool = option(False, RUN, "train although the model is up to date or an interrupted training exists")
    lr_range_test: bool = option(False, RUN, "try rising learning rates, plot the loss, and stop without a model")
    accept_leaks: bool = option(False, RUN, "train although an image is in two subsets")
    suspects: bool = option(
        True, RUN, "do not look for images whose label is probably wrong (only with --trainable head)"
    )
    force_suspects: bool = option(
        False, RUN, "look for them although there are so many images and labels that it takes minutes"
    )
    tensorboard: bool = option(False, RUN, "write TensorBoard events to model.tensorboard/ beside the model")
    distribute: Distribute = option(
        "none", RUN, "with --trainable all or --fine-tune: train on all GPUs of this machine (mirrored), or on the "
        "machines in TF_CONFIG (workers)", choices=get_args(Distribute),
    )  # fmt: skip


FIELDS = fields_of(RunOptions, TrainingConfig, Augmentation)


def add_options(parser: argparse.ArgumentParser, show_all: bool) -> None:
    """Add every option, in groups; the help lists the common ones, or all."""
    groups: dict[str, Any] = {}
    for each in FIELDS:
        details: Option = each.metadata["option"]
        if details.group not in groups:
            groups[details.group] = parser.add_argument_group(details.group)
        help_text = _help_of(each) if show_all or details.is_common else argparse.SUPPRESS
        add_option(groups[details.group], each, help_text, has_default=not _presets_of(each.name))


def check_options(options: argparse.Namespace) -> None:
    """Raise UsageError for numbers outside their limits, options that contradict each other, and unusable paths."""
    check_limits(options, FIELDS)
    _check_combination(options)
    if options.out.suffix != ".keras":
        raise UsageError(
            f"--out is {options.out}. Expected a name that ends in .keras",
            fix="`make convert` makes the other formats.",
        )
    for folder in options.out.parents:
        if folder.exists() and not folder.is_dir():
            raise UsageError(
                f"{options.out} cannot be written: {folder} is a file", fix="Name another path with --out."
            )
    if options.weights not in ("imagenet", "none") and not Path(options.weights).is_file():
        raise UsageError(
            f"{options.weights} does not exist. Expected --weights imagenet, none, or a file of weights",
            fix="Check the path.",
        )
    if options.teacher != "none":
        _check_teacher(options)
    elif options.distillation_temperature is not None or options.distillation_weight != DISTILLATION_WEIGHT:
        raise UsageError(
            "--distillation-temperature and --distillation-weight change nothing without a teacher",
            fix="Add --teacher FILE, or leave them out.",
        )


def check_writable(out: Path) -> None:
    """Raise ResourceError where nothing can be written, before a long training rather than after it."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise ResourceError(
            f"{out} cannot be written ({error.strerror})", fix="Name a path with write permission: --out."
        ) from None


def options_that_need_weights(options: argparse.Namespace) -> list[str]:
    """The given options that mean nothing where every layer is trained from scratch."""
    needing = {
        "--trainable head": options.trainable == "head",
        "--head lbfgs": options.head == "lbfgs",
        "--fine-tune": options.fine_tune > 0,
    }
    return [option for option, is_given in needing.items() if is_given]


def config_of(options: argparse.Namespace, weights: str) -> TrainingConfig:
    """The configuration that the options ask for; weights: "none" where ImageNet's could not be downloaded."""
    values = {**vars(options), "weights": weights}
    for (name, word), preset in PRESETS.items():
        if values[name] == word:
            values |= {each: value for each, value in preset.items() if getattr(options, each) is None}
    if weights not in ("imagenet", "none"):
        values["weights"] = _recorded(Path(weights))
    if options.teacher != "none":
        values["teacher"] = _recorded(Path(options.teacher))
    return TrainingConfig(augmentation=Augmentation(**_given(values, Augmentation)), **_given(values, TrainingConfig))


def _recorded(file: Path) -> str:
    return f"{file.name} sha256:{sha256_of(file)}"


def _given(values: dict[str, Any], options: type) -> dict[str, Any]:
    names = [each.name for each in FIELDS if each in dataclasses.fields(options)]
    return {name: values[name] for name in names if values[name] is not None}


def _check_teacher(options: argparse.Namespace) -> None:
    teacher = Path(options.teacher)
    if teacher.suffix != ".keras" or not teacher.is_file():
        raise UsageError(
            f"--teacher is {teacher}. Expected an existing model.keras that train/run.py wrote",
            fix="Check the path.",
        )
    if teacher.resolve() == options.out.resolve():
        raise UsageError(
            f"--teacher and --out are both {teacher}, and the training would replace its teacher",
            fix="Name another file with --out.",
        )
    if options.distribute != "none":
        raise UsageError(
            "--teacher does not work with --distribute: the predictions of the teacher are computed in one process",
            fix="Leave one of them out.",
        )
    if options.head == "lbfgs" and options.distillation_temperature not in (None, 1.0):
        raise UsageError(
            "--head lbfgs computes the optimum of a cross-entropy, which takes the predictions of a teacher at "
            "temperature 1 only",
            fix="Leave --distillation-temperature out, or use --head keras.",
        )
    # Raises ArtifactError without a card, before TensorFlow is imported.
    _ = Artifact.at(teacher).card


def _check_combination(options: argparse.Namespace) -> None:
    from_scratch = options.weights == "none"
    every_layer = from_scratch or options.trainable == "all"
    if from_scratch and options.trainable == "head":
        raise UsageError(
            "--trainable head trains a head on a backbone with random weights, which learns little",
            fix="Name weights with --weights FILE, or train every layer with --trainable all.",
        )
    if options.head == "lbfgs" and (every_layer or options.hidden_units):
        raise UsageError(
            "--head lbfgs computes a head without a hidden layer on a frozen backbone",
            fix="Name weights and leave --hidden-units and --trainable out, or use --head keras.",
        )
    if options.head == "lbfgs" and options.lr_range_test:
        raise UsageError("--head lbfgs has no learning rate", fix="Leave --lr-range-test or --head out.")
    if options.fine_tune and every_layer:
        raise UsageError(
            "--fine-tune adjusts the top blocks after a head was trained on a frozen backbone; here every layer is "
            "trained",
            fix="Leave it out, or name weights and leave --trainable out.",
        )
    if options.force_suspects and not options.suspects:
        raise UsageError("--force-suspects contradicts --no-suspects", fix="Leave one of them out.")
    if options.distribute != "none" and not (every_layer or options.fine_tune):
        raise UsageError(
            "--distribute applies to training that changes the backbone; a head alone is trained in seconds without it",
            fix="Add --fine-tune N or --trainable all, or leave it out.",
        )


def _help_of(each: Field) -> str:
    text = str(each.metadata["option"].help)
    if each.default is dataclasses.MISSING or isinstance(each.default, bool):
        return text
    return f"{text} (default: {'; '.join([str(each.default), *_presets_of(each.name)])})"


def _presets_of(name: str) -> list[str]:
    return [
        f"{preset[name]} with {flag_of(other)} {word}" for (other, word), preset in PRESETS.items() if name in preset
    ]
