"""What runs in a process of its own for one network, so that the memory of TensorFlow is free again at its end."""

import argparse
import dataclasses
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from convert.dataset import ModelDataset
from convert.pipeline import Pipeline
from convert.targets import conversion_of, source_of
from convert.verification.parity import baseline
from temper.artifact import Artifact
from temper.card import Precision
from temper.cli.console import configure_logging
from temper.cli.progress import ProgressDisplay
from temper.dataset.split import Example
from temper.errors import UserError
from temper.system.child_process import ChildCrashed
from temper.system.quiet import quiet_stderr
from train.run import parse

LOGGER = logging.getLogger("temper.choose")
T = TypeVar("T")
Target = tuple[Artifact, Precision]


def run_logged(level: int, function: Callable[..., T], arguments: tuple[Any, ...]) -> T:
    """Call a function with messages on stderr, as in the parent process. level: of the logger "temper"."""
    configure_logging(argparse.Namespace())
    logging.getLogger("temper").setLevel(level)
    return function(*arguments)


def train_network(words: list[str], examples: list[Example]) -> None:
    """Train as train/run.py does with these words, and store the model's predictions for the conversions."""
    options = parse(words)
    with quiet_stderr():
        from train.command import run_training

    run_training(options, examples)
    baseline(ModelDataset(model=Artifact.at(options.out), folder=options.data))


def convert_network(pipeline: Pipeline, targets: list[Target]) -> dict[str, str]:
    """Convert to all targets; one that fails stops only those that are converted from it.

    Returns why a target could not be made, by its name.
    """
    problems: dict[str, str] = {}
    with ProgressDisplay() as progress:
        pipeline = dataclasses.replace(pipeline, progress=progress)
        for target, precision in targets:
            if not without_problems(pipeline.dataset.model, [(target, precision)], problems):
                continue
            try:
                pipeline.build(target, precision)
            except Exception as error:
                problems[target.name] = reason_of(error)
    return problems


def reason_of(error: Exception) -> str:
    """What happened, and the remedy of a UserError, as a cell of a table. The traceback of others is logged."""
    text = " ".join(str(error).split())
    if isinstance(error, UserError):
        return text
    if isinstance(error, ChildCrashed):
        return f"its process ended with {text}"
    LOGGER.debug("unexpected error", exc_info=error)
    return f"{type(error).__name__}: {text}"


def without_problems(model: Artifact, targets: list[Target], problems: dict[str, str]) -> list[Target]:
    """The targets that can be tried. Those whose source could not be made are added to the problems."""
    for target, precision in targets:
        source = source_of(model, conversion_of(target, precision))
        if source.name in problems:
            problems[target.name] = f"{source.name}, which it is converted from, could not be made"
    return [each for each in targets if each[0].name not in problems]
