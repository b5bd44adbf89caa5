import pytest

from experiments.layer_profile.layers import Layer
from experiments.layer_profile.run import BATCHES, share_rows, spent_rows, title_of
from temper.artifact import Artifact


def test_each_artifact_and_batch_size_has_a_share_of_the_peak(artifacts: list[Artifact]) -> None:
    rows = share_rows(artifacts, rounds=2)
    assert [row[:2] for row in rows] == [(title_of(each), str(batch)) for each in artifacts for batch in BATCHES]
    for row in rows:
        ms, rate, peak, share = map(float, row[2:])
        assert ms > 0
        assert share == pytest.approx(100 * rate / peak, abs=1.5)


def test_kinds_are_sorted_by_their_time_and_add_up_to_all_of_it() -> None:
    layers = [
        Layer(name="a", kind="convolution", int8=True, ms=6),
        Layer(name="b", kind="pooling", int8=False, ms=1),
        Layer(name="c", kind="convolution", int8=True, ms=3),
    ]
    assert spent_rows(2, layers) == [
        ("2", "convolution", "int8", "2", "4.500", "90.0"),
        ("2", "pooling", "floating point", "1", "0.500", "10.0"),
    ]
