"""How long forward passes of a network take at the highest rate at which this machine multiplies matrices.

The benchmark measures its own peak, of ONNX Runtime in fp32 and int8; a training computes in TensorFlow, in float32 or
bfloat16.
"""

import math
import time
from dataclasses import dataclass
from typing import Any

MATRIX_SIZE, REPEATS = 4096, 3


@dataclass(frozen=True, kw_only=True)
class ForwardLimit:
    """flop: floating-point operations of one forward pass. rate: operations a second of a plain matrix product."""

    flop: float
    rate: float

    def min_seconds(self, n_forwards: int) -> float:
        """The shortest time for forward passes if everything but their convolutions took no time."""
        return n_forwards * self.flop / self.rate


def measure_limit(model: Any) -> ForwardLimit:
    """Count a Keras model's convolutions, and take the best rate of float32 and bfloat16 matrix products."""
    import tensorflow as tf

    rates: list[float] = []
    for dtype in (tf.float32, tf.bfloat16) * REPEATS:
        matrix = tf.cast(tf.random.normal((MATRIX_SIZE, MATRIX_SIZE)), dtype)
        started = time.perf_counter()
        tf.matmul(matrix, matrix).numpy()
        rates.append(2 * MATRIX_SIZE**3 / (time.perf_counter() - started))
    return ForwardLimit(flop=count_flop(model), rate=max(rates))


def count_flop(model: Any) -> int:
    """Operations of the Conv2D layers in a forward pass; a multiplication and an addition count as two."""
    convolutions = [layer for layer in model.layers if type(layer).__name__ == "Conv2D"]
    products: list[int] = [math.prod((*each.output.shape[1:], *each.kernel.shape[:3])) for each in convolutions]
    return 2 * sum(products)
