import numpy as np
import pytest

from experiments.deployed_head.compare import feature_rows, head_row, parse
from experiments.deployed_head.features import FP32, TENSORFLOW, Extracted
from experiments.deployed_head.heads import SplitResult


def split(gain: float) -> SplitResult:
    return SplitResult(
        exact=(0.9, 0.2), today=(0.8, 0.3), deployed=(0.8 + gain, 0.25), agree_today=0.95, agree_deployed=0.96
    )


def test_the_gain_is_paired_and_has_the_interval_of_students_t() -> None:
    row = head_row("net", [split(0.01), split(0.02), split(0.03)])
    assert row[:5] == ("net", "90.0", "80.0", "82.0", "+2.00")
    # 4.303 times the deviation of 1 over the root of 3.
    assert row[5] == "-0.48 to +4.48"
    assert row[6:] == ("0.3000, 0.2500", "95.00, 96.00")


def test_features_are_compared_with_those_of_fp32_and_their_time_with_that_of_tensorflow() -> None:
    features = np.array([[1, 2], [3, 0]], np.float32)

    def extracted(milliseconds: float, values: np.ndarray) -> Extracted:
        return Extracted(forward=lambda images: values, batches=[values], cpu_ms=[milliseconds])

    rows = feature_rows("net", {TENSORFLOW: extracted(4, features), FP32: extracted(6, features[:, ::-1])})
    assert rows[0][2:4] == ("4.00", "1.00")
    assert rows[1] == ("net", FP32, "6.00", "1.50", "1.00000", "1.0000")
    assert rows[0][4] == "0.40000"


def test_photos_are_required(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["model.keras"])
    assert "--photos" in capsys.readouterr().err


def test_one_split_is_refused_because_it_has_no_interval(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["model.keras", "--photos", "photos", "--splits", "1"])
    assert "--splits must be at least 2" in capsys.readouterr().err
