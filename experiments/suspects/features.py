"""The features that training would compute for a folder of photos."""

import argparse
from pathlib import Path

from temper.cli.progress import ProgressCallback
from temper.dataset.find import find_examples
from temper.storage.digest import sha256_of
from train.config import TrainingConfig
from train.evaluation.confident_learning import Features
from train.fitting.checkpoint import CheckpointConfig
from train.fitting.strategies import frozen_features
from train.fitting.training_data import TrainingContext, TrainingData
from train.network.pretrained import load_backbone
from train.pipeline import load_data


def dataset_features(options: argparse.Namespace, progress: ProgressCallback) -> tuple[TrainingData, Features]:
    """The dataset, and the features [n, d] of its images in the order of the examples; stored in options.work."""
    file = Path(options.weights)
    weights = options.weights if options.weights == "imagenet" else f"{file.name} sha256:{sha256_of(file)}"
    config = TrainingConfig(weights=weights, backbone=options.backbone, size=options.size, augmentation_passes=1)
    checkpoint = CheckpointConfig(path=options.work / "checkpoint.npz")
    context = TrainingContext(work=options.work, checkpoint=checkpoint, progress=progress)
    data = load_data(find_examples(options.photos, config.held_out_fraction, config.seed), config, context)
    return data, frozen_features(data, load_backbone(options.weights, options.backbone))
