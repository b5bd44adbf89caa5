"""Training on several devices, or on several machines: each replica trains on a part of every batch."""

import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from temper.errors import MissingRuntime, UsageError
from train.config import Distribute

LOGGER = logging.getLogger("temper.train")
EXAMPLE = '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
# The one private method of Keras that has to be replaced, see use_custom_train_step.
PRIVATE_BUILD = "_maybe_symbolic_build"
# Tested with two replicas and with two workers on Keras from the first to the last of these versions.
MIN_KERAS, MAX_KERAS = (3, 12), (3, 15)
TESTED = "3.12 to 3.15"


def open_strategy(distribute: Distribute) -> Any:
    """The tf.distribute.Strategy to train under; None for "none". Must be called before anything else of TensorFlow.

    Raises UsageError where there are no two devices, or no cluster is named.
    """
    if distribute == "none":
        return None
    return _mirrored() if distribute == "mirrored" else _workers()


def is_chief(strategy: Any) -> bool:
    """True for the one worker that writes files, and without a strategy."""
    resolver = strategy.cluster_resolver if strategy else None
    return resolver is None or not resolver.task_type or resolver.task_id == 0


def is_multi_worker() -> bool:
    """True inside the scope of a strategy whose workers are several machines."""
    return isinstance(tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy)


def average_weights(model: keras.Model, strategy: Any) -> None:
    """Give all replicas the mean of their weights: heads that were trained separately differ in their last bits."""
    if strategy.num_replicas_in_sync > 1:
        for weight in model.weights:
            copies = strategy.run(lambda weight=weight: tf.identity(weight.value))
            weight.assign(strategy.reduce(tf.distribute.ReduceOp.MEAN, copies, axis=None))


def use_custom_train_step(model: keras.Model, strategy: Any, batch: tuple[Any, ...]) -> None:
    """Replace the train and test functions of a compiled model, and build its metrics from a small batch.

    Keras builds from the mean of the first batch over the replicas, which fails where their parts differ in size, and
    averages scalars of workers along an axis that they do not have.
    Warns of a version of Keras that was not tested. Raises MissingRuntime for one without the method that has to be
    replaced.
    """
    version = tuple(int(number) for number in re.findall(r"\d+", keras.__version__)[:2])
    if not MIN_KERAS <= version <= MAX_KERAS:
        LOGGER.warning("distributed training was tested with Keras %s, not with %s", TESTED, keras.__version__)
    if not callable(getattr(model, PRIVATE_BUILD, None)):
        raise MissingRuntime(
            f"distributed training replaces a private method of Keras ({PRIVATE_BUILD}) that Keras {keras.__version__} "
            "does not have",
            fix=f"Train without --distribute, or install a version that was tested ({TESTED}):\n"
            "    pip install 'keras>=3.12,<3.16'",
        )
    model.train_function = _make_function(model.train_step, strategy)
    model.test_function = _make_function(model.test_step, strategy)
    # Builds metrics and optimizer; the result is not used, and fit resets the metrics.
    model.test_on_batch(*batch)
    setattr(model, PRIVATE_BUILD, lambda **_: None)


def _make_function(step: Callable[[Any], dict[str, Any]], strategy: Any) -> Callable[[Iterator[Any]], dict[str, Any]]:
    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def run(batch: Any) -> dict[str, Any]:
        results = strategy.run(step, args=(batch,))
        return {name: strategy.reduce(tf.distribute.ReduceOp.MEAN, value, axis=None) for name, value in results.items()}

    return lambda batches: run(next(batches))


def _mirrored() -> Any:
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) < 2:
        raise UsageError(
            f"--distribute mirrored trains on all GPUs of a machine; this one has {len(devices)} device "
            f"({devices[0].device_type})",
            fix="Leave the option out, or use --distribute workers for several machines.",
        )
    return tf.distribute.MirroredStrategy([each.name for each in devices])


def _workers() -> Any:
    try:
        cluster = json.loads(os.environ.get("TF_CONFIG", ""))
        task = cluster["task"]
        is_valid = cluster["cluster"]["worker"] and task["type"] == "worker" and int(task["index"]) >= 0
    except (ValueError, KeyError, TypeError):
        is_valid = False
    if not is_valid:
        raise UsageError(
            "--distribute workers reads its machines from the environment variable TF_CONFIG, which is missing or "
            "incomplete",
            fix=f"Set it on each machine, with the machine's own index: TF_CONFIG='{EXAMPLE}'",
        )
    return tf.distribute.MultiWorkerMirroredStrategy()
