"""What the ways to train have in common: the images with their configuration, and the context of the run."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from temper.cli.progress import ProgressCallback, no_progress
from temper.dataset.split import Example, Subset
from train.config import TrainingConfig
from train.dataset.decode import LabeledImages
from train.distillation.teacher import Teacher
from train.fitting.checkpoint import CheckpointConfig


@dataclass(frozen=True, kw_only=True)
class TrainingContext:
    """Settings of a run that do not change the model.

    work: folder of cached features. checkpoint: that of these images and this configuration. events: folder for
    TensorBoard. strategy: of tf.distribute, from `train.fitting.distribute.open_strategy`. near_duplicates: group of
    each image that a scan listed. find_suspects: whether to look for labels that are probably wrong. force_suspects:
    also where that takes minutes.
    """

    work: Path
    checkpoint: CheckpointConfig
    progress: ProgressCallback = no_progress
    events: Path | None = None
    strategy: Any = None
    near_duplicates: dict[Path, str] = field(default_factory=dict)
    find_suspects: bool = True
    force_suspects: bool = False


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """Everything that a model is trained with.

    labels: in the order of the output. images: decoded, by subset. examples: their files, sorted by subset. teacher: a
    trained model whose predictions are learned as well.
    """

    labels: tuple[str, ...]
    images: dict[Subset, LabeledImages]
    examples: list[Example]
    config: TrainingConfig
    context: TrainingContext
    teacher: Teacher | None = None
