"""The ways to learn: a head on a frozen backbone, its top blocks after that, or every layer."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from temper.card import versions
from temper.dataset.split import Example, Part
from train.config import Say, TrainingConfig
from train.dataset.batches import Pictures, augmented
from train.fitting.checkpoint import History, checkpoint_path
from train.fitting.distribute import agree, is_chief
from train.fitting.feature_cache import Store, features_of
from train.fitting.fit import Keep, fine_course, fit, loss_of, whole_course
from train.fitting.head import find_features, fit_head, head_of, shuffled
from train.fitting.lr_range_test import LrRangeTest, sweep_rates
from train.fitting.tensorboard import EventLog
from train.network.build import build_model, computing_in, copy_backbone, freeze_below_top, spare_residuals

BFLOAT16_FLAGS = ("avx512_bf16", "amx_bf16")


@dataclass(frozen=True)
class TrainingContext:
    """What a training has around it; none of it changes what comes out.

    work: folder of features and checkpoints. say: is told how far decoding and features are.
    resume: go on from the checkpoint of these pictures and this recipe, if there is one.
    events: folder for TensorBoard. strategy: of tf.distribute, from `train.fitting.distribute.open_strategy`.
    """

    work: Path
    say: Say
    resume: bool = False
    events: Path | None = None
    strategy: Any = None


@dataclass(frozen=True)
class Task:
    """What is to be learnt: labels in order, decoded pictures by part, where they come from, how, and where."""

    labels: tuple[str, ...]
    pictures: dict[Part, Pictures]
    examples: list[Example]
    recipe: TrainingConfig
    around: TrainingContext


@dataclass(frozen=True)
class FitResult:
    """A model, how its training went, and its wall seconds from a model that is built to one that has learnt."""

    model: keras.Model
    history: History
    seconds: float


def train_head(task: Task, backbone: keras.Model | None) -> FitResult:
    """Leave the backbone as it is and train a head on its features."""
    policy, recipe = fastest_policy(), task.recipe
    model = _start(task, backbone, policy)
    forward, started = features_of(model), time.perf_counter()
    store = Store(task.around.work / recipe.features_key(policy, versions("keras", "tensorflow")))
    found = find_features(forward, task.pictures, task.examples, recipe, store, task.around.say)
    history = fit_head(model, task.pictures, found, recipe, _watchers(task))
    return FitResult(model, history, time.perf_counter() - started)


def lr_range_test(task: Task, backbone: keras.Model | None) -> LrRangeTest:
    """Try rising learning rates on what the recipe would train: the head, or every layer. Nothing is kept."""
    policy, recipe = fastest_policy(), task.recipe
    model, train = _start(task, backbone, policy), task.pictures["train"]
    if recipe.layers == "all":
        return sweep_rates(model, iter(augmented(train, recipe)), loss_of(recipe))
    store = Store(task.around.work / recipe.features_key(policy, versions("keras", "tensorflow")))
    found = find_features(features_of(model), task.pictures, task.examples, recipe, store, task.around.say)
    return sweep_rates(head_of(model), shuffled(found["train"], train.targets, recipe), loss_of(recipe))


def train_all_layers(task: Task, backbone: keras.Model | None) -> FitResult:
    """Train every layer."""
    with _scope(task):
        model, started = _start(task, backbone, fastest_policy()), time.perf_counter()
        history = fit(model, task.pictures, task.recipe, whole_course(task.recipe), _keep(task), _watchers(task))
        return FitResult(model, history, time.perf_counter() - started)


def fine_tune(task: Task, head: keras.Model, first_epoch: int) -> FitResult:
    """Adjust the top blocks of a model whose head has learnt; it is left as it is, another is returned."""
    recipe = task.recipe
    with _scope(task):
        model, started = _start(task, None, fastest_policy()), time.perf_counter()
        model.set_weights(head.get_weights())
        if task.around.strategy:
            agree(model, task.around.strategy)
        freeze_below_top(model, recipe.backbone)
        watchers = _watchers(task, first_epoch - 1)
        history = fit(model, task.pictures, recipe, fine_course(recipe), _keep(task), watchers)
        return FitResult(model, history, time.perf_counter() - started)


def build(labels: tuple[str, ...], recipe: TrainingConfig) -> keras.Model:
    """The network of a recipe, in the dtype policy that is set."""
    return build_model(len(labels), recipe.size, recipe.dense, recipe.dropout, recipe.backbone)


def fastest_policy() -> str:
    """Mixed bfloat16 where processor or GPU computes it natively; the saved model is float32 either way."""
    if found := gpus():
        capability = tf.config.experimental.get_device_details(found[0]).get("compute_capability", (0, 0))
        return "mixed_bfloat16" if capability >= (8, 0) else "float32"
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return "float32"
    return "mixed_bfloat16" if any(flag in flags for flag in BFLOAT16_FLAGS) else "float32"


def gpus() -> list[Any]:
    """The GPUs that TensorFlow sees."""
    return list(tf.config.list_physical_devices("GPU"))


def _start(task: Task, backbone: keras.Model | None, policy: str) -> keras.Model:
    with computing_in(policy):
        model = build(task.labels, task.recipe)
    if backbone:
        copy_backbone(backbone, model, task.recipe.backbone)
    else:
        spare_residuals(model, task.recipe.backbone)
    return model


def _scope(task: Task) -> Any:
    return task.around.strategy.scope() if task.around.strategy else contextlib.nullcontext()


def _keep(task: Task) -> Keep:
    around = task.around
    writes = is_chief(around.strategy) if around.strategy else True
    return Keep(checkpoint_path(around.work, task.examples, task.recipe), around.resume, writes)


def _watchers(task: Task, first_epoch: int = 0) -> list[keras.callbacks.Callback]:
    return [EventLog(task.around.events, first_epoch)] if task.around.events else []
