"""The command-line options: generated from the fields of TrainingConfig, Augmentation and RunOptions, and checked."""

# option() calls dataclasses.field, which ruff does not see.
# ruff: noqa: RUF009

import argparse
import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from temper.errors import ResourceError, UsageError
from temper.storage.digest import sha256_of
from train.config import Augmentation, Option, TrainingConfig, option

METAVARS: dict[type, str] = {int: "N", float: "FRACTION"}
FILES, RUN = "files", "this run; the model stays the same"
# Defaults that another option changes, by that option and its value; a later entry has priority.
PRESETS: dict[tuple[str, str], dict[str, Any]] = {
    ("head", "lbfgs"): {"hidden_units": 0},
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
    tensorboard: bool = option(False, RUN, "write TensorBoard events to FILE with the suffix .tensorboard")
    distribute: Literal["none", "mirrored", "workers"] = option(
        "none", RUN, "train through the backbone on all GPUs of this machine, or on the machines in TF_CONFIG",
        choices=("none", "mirrored", "workers"),
    )  # fmt: skip


Field = dataclasses.Field[Any]
FIELDS: list[Field] = [
    each
    for options in (RunOptions, TrainingConfig, Augmentation)
    for each in dataclasses.fields(options)
    if "option" in each.metadata
]


def add_options(parser: argparse.ArgumentParser, show_all: bool) -> None:
    """Add every option, in groups; the help lists the common ones, or all."""
    groups: dict[str, Any] = {}
    for each in FIELDS:
        details: Option = each.metadata["option"]
        if details.group not in groups:
            groups[details.group] = parser.add_argument_group(details.group)
        help_text = _help_of(each) if show_all or details.is_common else argparse.SUPPRESS
        _add_option(groups[details.group], each, help_text)


def check_options(options: argparse.Namespace) -> None:
    """Raise UsageError for a number outside its limits and for paths that cannot be used."""
    for each in FIELDS:
        limits, value = each.metadata["option"].limits, getattr(options, each.name)
        if limits and value is not None and not limits[0] <= value <= limits[1]:
            raise UsageError(f"{_flag(each.name)} is {value:g}. Expected a number from {limits[0]:g} to {limits[1]:g}")
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


def check_writable(out: Path) -> None:
    """Raise ResourceError where nothing can be written, before a long training rather than after it."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise ResourceError(
            f"{out} cannot be written ({error.strerror})", fix="Name a folder with write permission: --out FILE."
        ) from None


def config_of(options: argparse.Namespace, weights: str) -> TrainingConfig:
    """The configuration that the options ask for; weights: "none" where ImageNet's could not be downloaded.

    Raises UsageError for options that contradict each other.
    """
    values = {**vars(options), "weights": weights}
    _check_combination(values)
    for (name, word), preset in PRESETS.items():
        if values[name] == word:
            values |= {each: value for each, value in preset.items() if getattr(options, each) is None}
    if weights not in ("imagenet", "none"):
        values["weights"] = f"{Path(weights).name} sha256:{sha256_of(Path(weights))}"
    return TrainingConfig(augmentation=Augmentation(**_given(values, Augmentation)), **_given(values, TrainingConfig))


def _given(values: dict[str, Any], options: type) -> dict[str, Any]:
    names = [each.name for each in FIELDS if each in dataclasses.fields(options)]
    return {name: values[name] for name in names if values[name] is not None}


def _check_combination(values: dict[str, Any]) -> None:
    from_scratch = values["weights"] == "none"
    every_layer = from_scratch or values["trainable"] == "all"
    if from_scratch and values["trainable"] == "head":
        raise UsageError(
            "--trainable head trains a head on a backbone with random weights, which learns little",
            fix="Name weights with --weights FILE, or train every layer with --trainable all.",
        )
    if values["head"] == "lbfgs" and (every_layer or values["hidden_units"]):
        raise UsageError(
            "--head lbfgs computes a head without a hidden layer on a frozen backbone",
            fix="Name weights and leave --hidden-units and --trainable out, or use --head keras.",
        )
    if values["head"] == "lbfgs" and values["lr_range_test"]:
        raise UsageError("--head lbfgs has no learning rate", fix="Leave --lr-range-test or --head out.")
    if values["fine_tune"] and every_layer:
        raise UsageError(
            "--fine-tune adjusts the top blocks after a head was trained on a frozen backbone; here every layer is "
            "trained",
            fix="Leave it out, or name weights and leave --trainable out.",
        )
    if values["distribute"] != "none" and not (every_layer or values["fine_tune"]):
        raise UsageError(
            "--distribute applies to training through the backbone; a head alone is trained in seconds without it",
            fix="Add --fine-tune N or --trainable all, or leave it out.",
        )


def _add_option(group: Any, each: Field, help_text: str) -> None:
    details: Option = each.metadata["option"]
    default = each.default
    if isinstance(default, bool):
        # A setting that is on by default is turned off by its option.
        flag, action = (f"no-{each.name}", "store_false") if default else (each.name, "store_true")
        group.add_argument(_flag(flag), dest=each.name, action=action, help=help_text)
        return
    is_path = default is dataclasses.MISSING or isinstance(default, Path)
    group.add_argument(
        _flag(each.name),
        type=Path if is_path else type(default),
        required=default is dataclasses.MISSING,
        default=None if default is dataclasses.MISSING or _presets_of(each.name) else default,
        metavar=details.metavar or METAVARS.get(type(default)),
        choices=details.choices,
        help=help_text,
    )


def _help_of(each: Field) -> str:
    text = str(each.metadata["option"].help)
    if each.default is dataclasses.MISSING or isinstance(each.default, bool):
        return text
    presets = _presets_of(each.name)
    return f"{text} ({'; '.join([str(each.default), *presets])})" if presets else f"{text} (%(default)s)"


def _presets_of(name: str) -> list[str]:
    return [f"{preset[name]} with {_flag(other)} {word}" for (other, word), preset in PRESETS.items() if name in preset]


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
