import pytest

from experiments.layer_profile.layers import KINDS, OTHER, kind_of, noise, profile
from temper.artifact import Artifact
from tests import tiny


def test_the_profilers_of_both_runtimes_name_every_convolution_of_int8(artifacts: list[Artifact]) -> None:
    for artifact in artifacts:
        measured = profile(artifact, noise(2, tiny.SIZE), calls=5)
        layers = measured.layers
        convolutions = [each for each in layers if each.kind == "convolution"]
        assert len(convolutions) == 3, artifact.name
        assert all(each.int8 for each in convolutions), artifact.name
        assert {each.kind for each in layers} <= {*KINDS, OTHER}
        assert measured.call_ms > 0


@pytest.mark.parametrize(
    ("operator", "kind"),
    [
        ("QLinearConv", "convolution"),
        ("Convolution", "convolution"),
        ("Convert", "rounding"),
        ("QLinearAdd", "addition"),
        ("NhwcMaxPool", "pooling"),
        ("FullyConnected", "matrix product"),
        ("ReorderInput", "layout"),
        ("DequantizeLinear", "rounding"),
        ("Softmax", OTHER),
    ],
)
def test_operators_of_both_runtimes_have_a_kind(operator: str, kind: str) -> None:
    assert kind_of(operator) == kind
