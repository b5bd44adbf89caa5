import re

from experiments.layer_profile.layers import Layer, Profile
from experiments.layer_profile.run import BATCHES, share_rows, spent_rows, title_of
from temper.artifact import Artifact


def test_each_artifact_and_batch_size_has_a_share_of_the_peak(artifacts: list[Artifact]) -> None:
    peak, *rows = share_rows(artifacts, rounds=2)
    assert float(peak[3]) > 0
    assert [row[:2] for row in rows] == [(title_of(each), str(batch)) for each in artifacts for batch in BATCHES]
    for row in rows:
        assert float(row[2]) > 0
        assert float(row[3]) >= 0
        share, low, high = (float(each) for each in re.findall(r"[\d.]+", row[4]))
        assert low <= share <= high


def test_kinds_are_sorted_by_their_time_and_the_rest_of_the_call_follows() -> None:
    layers = [
        Layer(name="a", kind="convolution", int8=True, ms=6),
        Layer(name="b", kind="pooling", int8=False, ms=1),
        Layer(name="c", kind="convolution", int8=True, ms=3),
    ]
    assert spent_rows(2, Profile(layers=layers, call_ms=12.5)) == [
        ("2", "convolution", "int8", "2", "4.500", "72.0"),
        ("2", "pooling", "floating point", "1", "0.500", "8.0"),
        ("2", "not in a layer", "", "", "1.250", "20.0"),
    ]
