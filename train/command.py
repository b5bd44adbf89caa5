"""What train/run.py does after the command line and the dataset are checked; imports TensorFlow."""

import argparse
import logging
from dataclasses import dataclass
from pathlib import Path

import keras

from temper.artifact import Artifact
from temper.cli.progress import ProgressDisplay
from temper.dataset.listing import dataset_title
from temper.dataset.split import Example
from temper.errors import DataError, UsageError
from temper.exit_codes import ExitCode
from temper.storage.atomic import atomic_write
from train.cli_options import check_writable, config_of
from train.config import TrainingConfig
from train.evaluation.charts import draw_lr_range_test
from train.fitting.checkpoint import checkpoint_path
from train.fitting.distribute import is_chief, open_strategy
from train.fitting.lr_range_test import LrRangeResult
from train.fitting.strategies import find_learning_rate
from train.fitting.training_data import TrainingContext
from train.network.pretrained import load_backbone
from train.pipeline import TrainedModel, is_up_to_date, load_data, save, train

LOGGER = logging.getLogger("temper.train")
WORK_FOLDER = ".training"
WRITTEN = (
    ".md", ".summary.txt", ".history.csv", ".curves.png", ".confusion.png", ".reliability.png", ".mistakes.png",
    ".split.csv",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """The exit code of the command, and the results as text."""

    exit_code: ExitCode = ExitCode.OK
    results: str = ""


def run_training(options: argparse.Namespace, examples: list[Example]) -> Outcome:
    """Train, or run the range test, unless the model is up to date."""
    strategy = open_strategy(options.distribute) if options.distribute != "none" else None
    config, backbone = _start(options)
    artifact = Artifact.at(options.out)
    if not (options.force or options.lr_range_test) and is_up_to_date(artifact, options.data, examples, config):
        LOGGER.info("%s is up to date: same images, same configuration. --force trains it again.", artifact.path)
        return Outcome()
    check_writable(artifact.path)
    LOGGER.info(config.summary())
    with ProgressDisplay() as progress:
        context = TrainingContext(
            work=artifact.path.parent / WORK_FOLDER,
            progress=progress,
            resume=options.resume,
            events=artifact.path.with_suffix(".tensorboard") if options.tensorboard else None,
            strategy=strategy,
        )
        if options.lr_range_test:
            result = find_learning_rate(load_data(examples, config, context), backbone)
            return Outcome(results=_describe_range_test(result, artifact))
        checkpoint = _check_checkpoint(options, checkpoint_path(context.work, examples, config))
        try:
            trained = train(examples, config, backbone, context)
        except KeyboardInterrupt:
            progress.close()
            return _report_interruption(checkpoint)
    if strategy and not is_chief(strategy):
        return Outcome()
    save(trained, artifact, options.data, examples, config)
    checkpoint.unlink(missing_ok=True)
    return Outcome(results=_describe(trained, artifact, options.data))


def _start(options: argparse.Namespace) -> tuple[TrainingConfig, keras.Model | None]:
    """The configuration and the pretrained backbone; from scratch where ImageNet's weights cannot be downloaded."""
    if options.weights == "none":
        return config_of(options, "none"), None
    try:
        backbone = load_backbone(options.weights, options.backbone)
    except ConnectionError as error:
        LOGGER.warning("ImageNet's weights cannot be downloaded (%s): every layer is trained from scratch.", error)
        return config_of(options, "none"), None
    return config_of(options, options.weights), backbone


def _check_checkpoint(options: argparse.Namespace, checkpoint: Path) -> Path:
    """The checkpoint's path. Raises UsageError when an interrupted training would be lost without being asked."""
    if checkpoint.exists() and not (options.resume or options.force):
        raise UsageError(
            f"{checkpoint} holds an interrupted training of these images with this configuration",
            fix="--resume continues it, --force starts again.",
        )
    if options.resume:
        LOGGER.info(
            "continuing an interrupted training"
            if checkpoint.exists()
            else "no interrupted training of these images with this configuration exists: it starts at the first step"
        )
    return checkpoint


def _describe(trained: TrainedModel, artifact: Artifact, folder: Path) -> str:
    evaluation, (low, high) = trained.evaluation, trained.evaluation.interval
    unknown = 1 - evaluation.is_known.mean()
    LOGGER.info("trained in %.1f s, counted from decoded images", trained.seconds)
    return "\n".join(
        [
            f"held-out accuracy {evaluation.accuracy:.1%} of {evaluation.n_images:,} images ({dataset_title(folder)}), "
            f"95 % interval {low:.1%} to {high:.1%}",
            f"expected calibration error {evaluation.ece_before:.3f}, after temperature scaling "
            f"{evaluation.ece_after:.3f} (temperature {evaluation.temperature:.2f})",
            f"confidence threshold {evaluation.confidence_threshold:.3f}: {unknown:.1%} of these images are below it",
            f"model   {artifact.path} and its card {artifact.card_path.name}",
            *(f"        {artifact.beside(suffix)}" for suffix in WRITTEN),
        ]
    )


def _describe_range_test(result: LrRangeResult, artifact: Artifact) -> str:
    chart = artifact.beside(".lr-range-test.png")
    with atomic_write(chart) as path:
        draw_lr_range_test(path, result)
    if result.suggestion is None:
        raise DataError(f"no learning rate lowers the loss, see {chart}", fix="Check that the labels are correct.")
    LOGGER.info("choose a rate and train with --learning-rate RATE")
    return f"the loss falls fastest at a learning rate of {result.suggestion:.1e}, see {chart}"


def _report_interruption(checkpoint: Path) -> Outcome:
    if checkpoint.exists():
        LOGGER.warning("stopped; a checkpoint is written. The same command with --resume continues from there.")
    else:
        LOGGER.warning("stopped; computed features are stored. The same command starts again and uses them.")
    return Outcome(ExitCode.INTERRUPTED)
