"""How long forwards of a network take at the rate at which this machine multiplies matrices."""

import math
import time
from dataclasses import dataclass
from typing import Any

MATRIX, REPEATS = 4096, 3


@dataclass(frozen=True)
class ForwardLimit:
    """flop: floating-point operations of one forward. rate: operations a second of a plain product of matrices."""

    flop: float
    rate: float

    def seconds(self, forwards: int) -> float:
        """The least that so many forwards take, were everything but the convolutions free."""
        return forwards * self.flop / self.rate


def measure_limit(model: Any) -> ForwardLimit:
    """Count the convolutions of a Keras model; multiply float32 and bfloat16 matrices, and take the best rate."""
    import tensorflow as tf

    rates: list[float] = []
    for dtype in (tf.float32, tf.bfloat16) * REPEATS:
        matrix = tf.cast(tf.random.normal((MATRIX, MATRIX)), dtype)
        started = time.perf_counter()
        tf.matmul(matrix, matrix).numpy()
        rates.append(2 * MATRIX**3 / (time.perf_counter() - started))
    return ForwardLimit(count_flop(model), max(rates))


def count_flop(model: Any) -> int:
    """Operations of the plain convolutions of a forward, a multiplication and an addition each."""
    convolutions = [layer for layer in model.layers if type(layer).__name__ == "Conv2D"]
    products: list[int] = [math.prod((*each.output.shape[1:], *each.kernel.shape[:3])) for each in convolutions]
    return 2 * sum(products)
