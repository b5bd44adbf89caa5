"""RGB pixels for a network that expects BGR: where it gives the same, the weights of its first convolution change."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.adopt.normalization import Normalization
from convert.adopt.originals.base import CHANNELS, InputSpec

# The images on which a change of the weights must change nothing, and the largest difference, relative to the output.
TRIALS, TOLERANCE = 4, 1e-4
# Or to RGB again.
TO_BGR = [2, 1, 0]


def reverse_channels(
    run: Callable[[NDArray[np.float32]], NDArray[Any]],
    reverse: Callable[[], None],
    spec: InputSpec,
    normalization: Normalization,
) -> bool:
    """Let a network take RGB in place of BGR, by reversing the weights of its first convolution; whether that worked.

    It does where nothing before the convolution treats channels differently; random images show whether it does. run:
    the network, on float32 [n, size, size, 3]. reverse: the channels of the weights, in place; a second call restores
    them.
    """
    shape = (spec.batch or TRIALS, spec.size, spec.size, CHANNELS)
    bgr = normalization.apply(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
    expected = run(bgr)
    reverse()
    if np.abs(run(bgr[..., ::-1]) - expected).max() <= TOLERANCE * max(1.0, np.abs(expected).max()):
        return True
    reverse()
    return False
