"""The ways to train: a head on a frozen backbone, then its top blocks, or every layer."""

import contextlib
import time
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from temper.provenance import package_versions
from temper.system.host import processor_flags
from train.config import TrainingConfig
from train.dataset.batches import augmented_batches
from train.evaluation.suspect_labels import SuspectLabels, find_suspects, is_search_wanted
from train.fitting.checkpoint import History
from train.fitting.distribute import average_weights
from train.fitting.feature_cache import FeatureCache, FeatureExtractor, Features, forward_of
from train.fitting.fit import fit, loss_of
from train.fitting.head import compute_features, feature_batches, fit_head, head_of, original_features
from train.fitting.lr_range_test import LrRangeResult, lr_range_test
from train.fitting.tensorboard import EventLog
from train.fitting.training_data import TrainingData
from train.network.build import build_model, dtype_policy, freeze_below_top, zero_init_residual
from train.network.pretrained import copy_backbone

BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}


@dataclass(frozen=True)
class FitResult:
    """A trained model, its history, and the seconds from the built model to the trained one.

    suspects: labels that are probably wrong; None where they were not looked for.
    """

    model: keras.Model
    history: History
    seconds: float
    suspects: SuspectLabels | None = None


def train_head(data: TrainingData, backbone: keras.Model | None) -> FitResult:
    """Freeze the backbone and train a head on its features; then look for wrong labels, if that is wanted."""
    policy = fastest_policy()
    model = _initial_model(data, backbone, policy)
    extractor, started = _extractor(model, data, policy), time.perf_counter()
    features, predictions = compute_features(extractor, data), _predictions_of_teacher(data)
    history = fit_head(model, data, features, _callbacks(data), predictions)
    seconds, suspects = time.perf_counter() - started, None
    if is_search_wanted(data):
        suspects = find_suspects(data, original_features(extractor, data, features))
    return FitResult(model, history, seconds, suspects)


def frozen_features(data: TrainingData, backbone: keras.Model) -> Features:
    """Features [n, d] of all images without augmentation, in the order of the examples."""
    policy = fastest_policy()
    extractor = _extractor(_initial_model(data, backbone, policy), data, policy)
    return original_features(extractor, data, compute_features(extractor, data))


def train_all_layers(data: TrainingData, backbone: keras.Model | None) -> FitResult:
    """Train every layer."""
    with _scope(data):
        model, started = _initial_model(data, backbone, fastest_policy()), time.perf_counter()
        history = fit(model, data, data.config.schedule(), data.context.checkpoint, _callbacks(data))
        return FitResult(model, history, time.perf_counter() - started)


def fine_tune(data: TrainingData, trained: keras.Model, first_epoch: int) -> FitResult:
    """Train the top blocks of a copy of a model whose head is trained; first_epoch: for the event log."""
    with _scope(data):
        model, started = _initial_model(data, None, fastest_policy()), time.perf_counter()
        model.set_weights(trained.get_weights())
        if data.context.strategy:
            average_weights(model, data.context.strategy)
        freeze_below_top(model, data.config.backbone)
        callbacks = _callbacks(data, first_epoch - 1)
        history = fit(model, data, data.config.fine_tuning_schedule(), data.context.checkpoint, callbacks)
        return FitResult(model, history, time.perf_counter() - started)


def find_learning_rate(data: TrainingData, backbone: keras.Model | None) -> LrRangeResult:
    """Run the range test on what the configuration would train: the head, or every layer. The model is discarded."""
    policy, config = fastest_policy(), data.config
    model, train = _initial_model(data, backbone, policy), data.images["train"]
    if config.trainable == "all":
        return lr_range_test(model, iter(augmented_batches(train, config, teacher=data.teacher)), loss_of(config))
    features = compute_features(_extractor(model, data, policy), data)
    batches = feature_batches(features["train"], train.targets, config, _predictions_of_teacher(data))
    return lr_range_test(head_of(model), batches, loss_of(config))


def build(labels: tuple[str, ...], config: TrainingConfig) -> keras.Model:
    """The network of a configuration, in the dtype policy that is set."""
    return build_model(len(labels), config.size, config.hidden_units, config.dropout, config.backbone)


def fastest_policy() -> str:
    """Mixed bfloat16 where the processor or GPU supports it natively; the saved model is float32 either way."""
    if devices := gpus():
        capability = tf.config.experimental.get_device_details(devices[0]).get("compute_capability", (0, 0))
        return "mixed_bfloat16" if capability >= (8, 0) else "float32"
    return "mixed_bfloat16" if BFLOAT16_FLAGS & processor_flags() else "float32"


def gpus() -> list[Any]:
    """The GPUs that TensorFlow can use."""
    return list(tf.config.list_physical_devices("GPU"))


def _initial_model(data: TrainingData, backbone: keras.Model | None, policy: str) -> keras.Model:
    with dtype_policy(policy):
        model = build(data.labels, data.config)
    if backbone:
        copy_backbone(backbone, model, data.config.backbone)
    else:
        zero_init_residual(model, data.config.backbone)
    return model


def _extractor(model: keras.Model, data: TrainingData, policy: str) -> FeatureExtractor:
    key = data.config.features_key(policy, package_versions("keras", "tensorflow"))
    return FeatureExtractor(
        forward=forward_of(model),
        cache=FeatureCache(data.context.work / key),
        augmentation=data.config.augmentation,
        progress=data.context.progress,
    )


def _predictions_of_teacher(data: TrainingData) -> Features | None:
    """For the views that features are computed of, [passes, n, classes], and cached like these; None without one."""
    teacher, config = data.teacher, data.config
    if teacher is None:
        return None
    extractor = FeatureExtractor(
        forward=lambda images: teacher.predict(np.asarray(images)),
        cache=FeatureCache(data.context.work / config.predictions_key(package_versions("keras", "tensorflow"))),
        augmentation=config.augmentation,
        progress=data.context.progress,
        step="predictions of the teacher (images)",
    )
    examples = [each for each in data.examples if each.subset == "train"]
    return extractor.extract(teacher.pixels, examples, config.augmentation_passes)


def _scope(data: TrainingData) -> Any:
    return data.context.strategy.scope() if data.context.strategy else contextlib.nullcontext()


def _callbacks(data: TrainingData, first_epoch: int = 0) -> list[keras.callbacks.Callback]:
    return [EventLog(data.context.events, first_epoch)] if data.context.events else []
