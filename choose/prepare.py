"""Every network trained and converted, one at a time, each step in a process of its own; what is finished is reused."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ParamSpec, TypeVar

from choose.options import Network
from choose.records import Failure
from choose.rejected import rejections
from choose.steps import Target, convert_network, reason_of, run_logged, train_network, without_problems
from convert.dataset import ModelDataset
from convert.pipeline import Pipeline
from convert.settings import ConversionSettings
from convert.targets import conversion_of, default_targets, source_of
from convert.verification.accuracy_gate import GateLimits
from temper.artifact import Artifact
from temper.card import PRECISIONS, Precision
from temper.cli.console import stderr_console
from temper.dataset.split import Example
from temper.system.child_process import run_in_child
from temper.system.gpu import find_gpu
from train.cli_options import check_options, config_of
from train.run import parse as parse_training
from train.up_to_date import is_up_to_date

LOGGER = logging.getLogger("temper.choose")
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Training:
    """What all networks have in common: the images with their split, and further words of the command line."""

    data: Path
    examples: list[Example]
    words: list[str] = field(default_factory=list)

    def words_for(self, network: Network) -> list[str]:
        """The command line of train/run.py for a network. Wrong labels are those of the images, not of a network."""
        return [
            "--data", str(self.data), "--out", str(network.model.path), "--backbone", network.backbone,
            "--size", str(network.size), "--weights", network.weights, "--head", "lbfgs", "--no-suspects", *self.words,
        ]  # fmt: skip


@dataclass(kw_only=True)
class Prepared:
    """Artifacts that can be measured, with their networks, and what failed."""

    artifacts: list[tuple[Network, Artifact]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def add(self, network: Network, targets: list[Target], problems: dict[str, str]) -> None:
        """Add the artifacts of a network, and those that could not be made."""
        for target, _ in targets:
            if target.name in problems:
                self.failures.append(Failure(name=artifact_name(network, target), reason=problems[target.name]))
            else:
                self.artifacts.append((network, Artifact.at(target.path)))


def prepare(networks: list[Network], training: Training, precisions: list[Precision] | None = None) -> Prepared:
    """Train and convert what is not up to date. A network or a conversion that fails does not stop the others.

    precisions: None for those that make sense on this machine.
    """
    prepared = Prepared()
    for i, network in enumerate(networks):
        title = f"{network.name} ({i + 1} of {len(networks)})"
        try:
            _train(network, training, title)
            targets = targets_of(network.model, precisions or default_precisions())
            prepared.add(network, targets, _convert(network, training, targets, title))
        except Exception as error:
            # One of a library too: the other networks can still be compared.
            reason = reason_of(error)
            LOGGER.warning("%s is left out: %s", network.name, reason)
            prepared.failures.append(Failure(name=network.name, reason=reason))
    return prepared


def expected_names(networks: list[Network], precisions: list[Precision] | None = None) -> list[str]:
    """Names of the artifacts that will be made if nothing fails."""
    wanted = precisions or default_precisions()
    return [artifact_name(each, target) for each in networks for target, _ in targets_of(each.model, wanted)]


def default_precisions() -> list[Precision]:
    """On a CPU fp16 is stored in half precision and computed in fp32 or bf16: it saves space only."""
    return ["fp32", "fp16", "int8"] if find_gpu() else ["fp32", "int8"]


def targets_of(model: Artifact, precisions: list[Precision]) -> list[Target]:
    """Conversions that make sense on this machine, each after its source."""
    return [
        (target, precision)
        for precision in sorted(precisions, key=PRECISIONS.index)
        for target in default_targets(model, precision)
        # A SavedModel is run by the same library as the model itself.
        if not target.format.is_folder and (find_gpu() or not target.format.needs_gpu)
    ]


def _train(network: Network, training: Training, title: str) -> None:
    words = training.words_for(network)
    options = parse_training(words)
    check_options(options)
    config = config_of(options, options.weights)
    if is_up_to_date(network.model, training.data, training.examples, config):
        LOGGER.info("%s: is trained", title)
        return
    LOGGER.info("%s: training", title)
    _in_child(train_network, words, training.examples)


def _convert(network: Network, training: Training, targets: list[Target], title: str) -> dict[str, str]:
    """Convert what is not up to date; returns why a target could not be made, by its name."""
    model = Artifact.at(network.model.path).verified()
    dataset = ModelDataset(model=model, folder=training.data)
    pipeline = Pipeline(dataset=dataset, limits=GateLimits(), settings=ConversionSettings())
    missing = [each for each in targets if not _is_converted(pipeline, *each)]
    problems = rejections(pipeline, missing)
    waiting = without_problems(model, missing, problems)
    if not waiting:
        LOGGER.info("%s: is converted", title)
        return problems
    LOGGER.info("%s: converting to %s", title, ", ".join(target.name for target, _ in waiting))
    problems |= _in_child(convert_network, pipeline, waiting)
    return problems | rejections(pipeline, waiting)


def _is_converted(pipeline: Pipeline, target: Artifact, precision: Precision) -> bool:
    source = source_of(pipeline.dataset.model, conversion_of(target, precision))
    return source.exists and pipeline.is_current(target, source, precision)


def _in_child(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    try:
        return run_in_child(run_logged, logging.getLogger("temper").level, function, arguments)
    finally:
        # The progress bar of a process that was killed has hidden it.
        stderr_console().show_cursor(True)


def artifact_name(network: Network, artifact: Artifact) -> str:
    """As in a report: "resnet50-224 int8.xml"."""
    return f"{network.name} {artifact.name.removeprefix(f'{artifact.model_name}.')}"
