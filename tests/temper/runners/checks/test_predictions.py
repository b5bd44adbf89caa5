from pathlib import Path

import numpy as np
import pytest

from temper.errors import InvalidPredictions, QualityError
from temper.runners.checks.predictions import MAX_SUM_DIFFERENCE, check_predictions

PATH = Path("model.onnx")


def check(*rows: list[float]) -> None:
    values = np.array(rows, np.float32)
    check_predictions(values, (len(rows), len(rows[0])), PATH)


def test_probabilities_pass_with_the_rounding_of_every_precision() -> None:
    check([0.25, 0.75], [0.0, 1.0], [1.0, 0.0])
    random = np.random.default_rng(0)
    for classes in (2, 10, 1000):
        logits = random.normal(0, 8, (500, classes)).astype(np.float16)
        # All steps in half precision, and the result cut to the 8 significant bits of bfloat16.
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        halves = (powers / powers.sum(axis=1, keepdims=True, dtype=np.float16)).astype(np.float32)
        cut = (halves.view(np.uint32) & 0xFFFF0000).view(np.float32)
        for values in (halves, cut):
            check_predictions(values, values.shape, PATH)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([np.nan, 0.5], "not finite"),
        ([np.inf, 0.0], "not finite"),
        ([-np.inf, 1.0], "not finite"),
        ([-0.01, 1.01], "negative values"),
        ([4490.8, 2.0], r"rows whose sum is 4\.49e\+03"),
        ([0.0, 0.0], "rows whose sum is 0 "),
        ([0.9, 0.8], r"rows whose sum is 1\.7 "),
        ([0.5, 0.5 - 1.1 * MAX_SUM_DIFFERENCE], "rows whose sum is 0.983"),
    ],
)
def test_one_row_that_is_no_probabilities_is_an_error(row: list[float], reason: str) -> None:
    with pytest.raises(InvalidPredictions, match=reason):
        check([0.5, 0.5], row)
    assert issubclass(InvalidPredictions, QualityError)


@pytest.mark.parametrize("shape", [(2, 3), (1, 2), (2,), (2, 2, 1)])
def test_values_of_another_shape_are_an_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidPredictions, match=r"where \[2, 2\] was expected"):
        check_predictions(np.full(shape, 0.5, np.float32), (2, 2), PATH)
