from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from convert.adopt.normalization import KNOWN
from convert.adopt.originals.base import InputSpec
from convert.adopt.originals.channels import reverse_channels

SPEC = InputSpec(size=8, layout="NHWC", dtype="float32", batch=3)


@pytest.mark.parametrize("scales", [(1.0, 1.0, 1.0), (0.5, 1.0, 2.0)])
def test_the_weights_stay_reversed_where_nothing_before_them_treats_channels_differently(
    scales: tuple[float, float, float],
) -> None:
    weights = np.array([3.0, -1.0, 2.0])
    batches = []

    def run(images: NDArray[np.float32]) -> NDArray[Any]:
        batches.append(images.shape)
        return np.asarray((images * scales) @ weights)

    def reverse() -> None:
        weights[:] = weights[::-1].copy()

    is_equal = len(set(scales)) == 1
    assert reverse_channels(run, reverse, SPEC, KNOWN["caffe"]) == is_equal
    assert weights.tolist() == ([2, -1, 3] if is_equal else [3, -1, 2])
    assert batches == [(3, 8, 8, 3)] * 2
