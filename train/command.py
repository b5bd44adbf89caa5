"""What train/run.py does after the command line and the dataset are checked; imports TensorFlow."""

import argparse
import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from temper.artifact import Artifact
from temper.cli.progress import ProgressCallback, ProgressDisplay
from temper.cli.text import percent, plural
from temper.dataset.listing import dataset_title, read_near_duplicates
from temper.dataset.split import Example
from temper.errors import DataError, UsageError
from temper.storage.atomic import atomic_write, own_temporary_files, remove_stale_scratch
from train.cli_options import check_writable, config_of, options_that_need_weights
from train.config import TrainingConfig
from train.dataset.decode import labels_of
from train.disk_space import check_disk_space
from train.distillation.teacher import open_teacher, size_of
from train.evaluation.charts import draw_lr_range_test
from train.evaluation.suspect_report import describe_suspects
from train.fitting.checkpoint import CheckpointConfig, checkpoint_path
from train.fitting.distribute import is_chief, open_strategy
from train.fitting.lr_range_test import LrRangeResult
from train.fitting.strategies import find_learning_rate
from train.fitting.training_data import TrainingContext
from train.network.backbones import BACKBONES
from train.network.pretrained import load_backbone
from train.pipeline import SUSPECT_SUFFIXES, load_data, save, train
from train.trained_model import TrainedModel
from train.up_to_date import is_up_to_date

LOGGER = logging.getLogger("temper.train")
WORK_FOLDER = ".training"
WRITTEN = (
    ".md", ".html", ".summary.txt", ".history.csv", ".curves.png", ".confusion.png", ".reliability.png",
    ".mistakes.png", ".split.csv",
)  # fmt: skip
# What a training writes, or removes.
REPLACED = (*WRITTEN, *SUSPECT_SUFFIXES)
MOVE_AWAY = "Move it away, or name another file with --out."


@own_temporary_files()
def run_training(options: argparse.Namespace, examples: list[Example]) -> str:
    """Train, or run the range test, unless the model is up to date; returns the results as text, "" for none."""
    strategy = open_strategy(options.distribute)
    artifact = Artifact.at(options.out)
    remove_stale_scratch(artifact.path.parent)
    if not options.lr_range_test:
        # Before weights are downloaded.
        artifact.refuse_foreign(*map(artifact.beside, REPLACED), force=options.force, fix=MOVE_AWAY)
    config, backbone = _config_and_backbone(options)
    if not (options.force or options.lr_range_test) and is_up_to_date(artifact, options.data, examples, config):
        LOGGER.info("%s is up to date: same images, same configuration. --force trains it again.", artifact.path)
        return ""
    check_writable(artifact.path)
    check_disk_space(artifact.path, config, len(examples), size_of(options.teacher))
    LOGGER.info(config.summary())
    work = artifact.path.parent / WORK_FOLDER
    path, is_writer = checkpoint_path(work, examples, config), is_chief(strategy)
    checkpoint = CheckpointConfig(path=path, resume=options.resume, is_writer=is_writer)
    with (
        open_teacher(options.teacher, labels_of(examples)) as teacher,
        _explain_interruption(path, config),
        ProgressDisplay() as progress,
    ):
        context = _context(options, checkpoint, progress, strategy)
        if options.lr_range_test:
            data = load_data(examples, config, context, teacher)
            return _describe_range_test(find_learning_rate(data, backbone), artifact)
        _check_checkpoint(options, path)
        trained = train(examples, config, backbone, context, teacher)
    if not is_writer:
        return ""
    # Hours may have passed since the first check; the checkpoint stays.
    artifact.refuse_foreign(*map(artifact.beside, REPLACED), force=True, fix=MOVE_AWAY)
    save(trained, artifact, options.data, examples, config)
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        # Only an empty folder can be removed: one with cached features stays.
        work.rmdir()
    return _describe(trained, artifact, options.data)


def _context(
    options: argparse.Namespace, checkpoint: CheckpointConfig, progress: ProgressCallback, strategy: Any
) -> TrainingContext:
    return TrainingContext(
        work=checkpoint.path.parent,
        checkpoint=checkpoint,
        progress=progress,
        events=options.out.with_suffix(".tensorboard") if options.tensorboard else None,
        strategy=strategy,
        near_duplicates=read_near_duplicates(options.data),
        find_suspects=options.suspects,
        force_suspects=options.force_suspects,
    )


def _config_and_backbone(options: argparse.Namespace) -> tuple[TrainingConfig, keras.Model | None]:
    """The configuration and the pretrained backbone; from scratch where ImageNet's weights cannot be downloaded.

    Raises DataError where they cannot be downloaded and an option needs them.
    """
    config = config_of(options, options.weights)
    if options.weights == "none":
        return config, None
    try:
        return config, load_backbone(options.weights, options.backbone)
    except ConnectionError as error:
        reason = str(error)
    if needing := options_that_need_weights(options):
        name = BACKBONES[options.backbone].application
        raise DataError(
            f"ImageNet's weights cannot be downloaded ({reason}), and {needing[0]} needs weights",
            fix="Run the same command again with a connection, or name a file of weights with --weights FILE. On "
            f'another machine this writes one:\n    python -c "import keras; keras.applications.{name}'
            f"(include_top=False).save_weights('{options.backbone}.weights.h5')\"",
        )
    LOGGER.warning("ImageNet's weights cannot be downloaded (%s): every layer is trained from scratch.", reason)
    return config_of(options, "none"), None


@contextlib.contextmanager
def _explain_interruption(checkpoint: Path, config: TrainingConfig) -> Iterator[None]:
    """Show how the training continues when Ctrl-C ends the block."""
    try:
        yield
    except KeyboardInterrupt:
        if checkpoint.exists():
            LOGGER.warning("a checkpoint is written; the same command with --resume continues from there")
        elif config.trainable == "head":
            LOGGER.warning("computed features are stored; the same command starts again and uses them")
        raise


def _check_checkpoint(options: argparse.Namespace, checkpoint: Path) -> None:
    """Raise UsageError when an interrupted training would be lost without being asked."""
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


def _describe(trained: TrainedModel, artifact: Artifact, folder: Path) -> str:
    evaluation = trained.evaluation
    low, high = map(percent, evaluation.interval)
    LOGGER.info("the training took %.1f s, without the decoding of the images", trained.seconds)
    suspects = trained.suspects
    suffixes = REPLACED if suspects and suspects.suspects else WRITTEN
    files = [artifact.path, artifact.card_path, *map(artifact.beside, suffixes)]
    lines = [describe_suspects(suspects, folder, artifact.beside(SUSPECT_SUFFIXES[0]).name)] if suspects else []
    return "\n".join(
        [
            f"held-out accuracy {percent(evaluation.accuracy)} of {plural(evaluation.n_images, 'image')} "
            f"({dataset_title(folder)}), 95 % interval {low} to {high}",
            f"expected calibration error {evaluation.ece_before:.3f}, after temperature scaling "
            f"{evaluation.ece_after:.3f} (temperature {evaluation.temperature:.2f})",
            f"confidence threshold {evaluation.confidence_threshold:.3f}: "
            f"{percent(1 - float(evaluation.is_known.mean()))} of these images are below it",
            *lines,
            f"files in {artifact.path.parent}: {', '.join(path.name for path in files)}",
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
