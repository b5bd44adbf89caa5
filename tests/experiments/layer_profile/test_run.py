
import pytest

from experiments.layer_profile.layers import KINDS, OTHER, Layer, kind_of, noise, profile
from experiments.layer_profile.run import BATCHES, share_rows, spent_rows
from temper.artifact import Artifact
from tests import tiny


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> list[Artifact]:
    keras = tiny.bundle(tmp_path_factory.mktemp("profile"))
    pipeline = tiny.pipeline_of(keras, calibration_method="max")
    return [pipeline.build(Artifact.at(keras.with_name(f"model.int8{suffix}")), "int8") for suffix in (".onnx", ".xml")]


def test_the_profilers_of_both_runtimes_name_every_convolution_of_int8(artifacts: list[Artifact]) -> None:
    for artifact in artifacts:
        layers = profile(artifact, noise(2, tiny.SIZE), calls=5)
        convolutions = [each for each in layers if each.kind == "convolution"]
        assert len(convolutions) == 3, artifact.name
        assert all(each.int8 for each in convolutions), artifact.name
        assert {each.kind for each in layers} <= {*KINDS, OTHER}


def test_each_artifact_and_batch_size_has_a_share_of_the_peak(artifacts: list[Artifact]) -> None:
    rows = share_rows(artifacts, rounds=2)
    assert [row[:2] for row in rows] == [(each.name, str(batch)) for each in artifacts for batch in BATCHES]
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
