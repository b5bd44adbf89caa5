"""More than one device, or more than one machine: every replica trains on its share of a batch."""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any, Literal

import keras
import tensorflow as tf

from temper.errors import UserError

Distribute = Literal["none", "mirrored", "workers"]
EXAMPLE = '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'


def open_strategy(distribute: Distribute) -> Any:
    """The tf.distribute.Strategy to train under. Called before anything else of TensorFlow.

    Raises UserError where there are no two devices, or no cluster is named.
    """
    if distribute == "none":
        return tf.distribute.get_strategy()
    return _mirrored() if distribute == "mirrored" else _workers()


def is_chief(strategy: Any) -> bool:
    """True for the one worker that writes files."""
    resolver = strategy.cluster_resolver
    return resolver is None or not resolver.task_type or resolver.task_id == 0


def several_machines() -> bool:
    """True inside the scope of a strategy whose workers are several machines."""
    return isinstance(tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy)


def agree(model: keras.Model, strategy: Any) -> None:
    """Give all replicas the mean of their weights: heads fitted side by side differ in their last bits."""
    if strategy.num_replicas_in_sync > 1:
        for weight in model.weights:
            copies = strategy.run(lambda weight=weight: tf.identity(weight.value))
            weight.assign(strategy.reduce(tf.distribute.ReduceOp.MEAN, copies, axis=None))


def step_together(model: keras.Model, strategy: Any, batch: tuple[Any, ...]) -> None:
    """Let a compiled model's steps be run and their metrics be averaged by us, built from a small batch.

    Keras (3.15) builds from the mean of the first batch over the replicas, which fails where their shares differ in
    size, and averages scalars of workers along an axis that they do not have.
    """
    model._symbolic_build(data_batch=batch)
    model._maybe_symbolic_build = lambda **_: None
    model.train_function = _steps(model.train_step, strategy)
    model.test_function = _steps(model.test_step, strategy)


def _steps(step: Callable[[Any], dict[str, Any]], strategy: Any) -> Callable[[Iterator[Any]], dict[str, Any]]:
    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def run(batch: Any) -> dict[str, Any]:
        found = strategy.run(step, args=(batch,))
        return {name: strategy.reduce(tf.distribute.ReduceOp.MEAN, value, axis=None) for name, value in found.items()}

    return lambda batches: run(next(batches))


def _mirrored() -> Any:
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) < 2:
        raise UserError(
            f"--distribute mirrored trains on all GPUs of a machine; this one has {len(devices)} device "
            f"({devices[0].device_type}). Leave the flag out, or use --distribute workers across machines."
        )
    return tf.distribute.MirroredStrategy([each.name for each in devices])


def _workers() -> Any:
    try:
        told = json.loads(os.environ.get("TF_CONFIG", ""))
        known = told["cluster"]["worker"] and told["task"]["type"] == "worker" and int(told["task"]["index"]) >= 0
    except (ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise UserError(
            "--distribute workers finds its machines in the environment variable TF_CONFIG, which is missing or not "
            f"whole. Set it on each of them, with its own index: TF_CONFIG='{EXAMPLE}'"
        )
    return tf.distribute.MultiWorkerMirroredStrategy()
