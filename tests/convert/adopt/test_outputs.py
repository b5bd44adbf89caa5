import numpy as np
import pytest

from convert.adopt.outputs import find_kind, to_probabilities
from temper.card.adoption import OutputKind
from temper.errors import ArtifactError, UsageError


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ([[0.2, 0.8], [1.0, 0.0]], "probabilities"),
        ([[2.0, -1.0], [0.1, 0.2]], "logits"),
        ([[0.2], [1.0]], "probability"),
        ([[-0.2], [3.0]], "logit"),
        ([[-0.1, 0.3, 0.8]], "logits"),
        ([[-0.1], [0.9]], "logit"),
    ],
)
def test_what_a_model_gives_is_seen_from_its_values(rows: list[list[float]], kind: OutputKind) -> None:
    assert find_kind(np.array(rows, np.float32), "net.onnx") == kind


def test_values_that_may_be_logits_or_independent_labels_are_refused_until_they_are_named() -> None:
    raw = np.array([[0.9, 0.8, 0.1]], np.float32)
    with pytest.raises(UsageError, match="--output logits"):
        find_kind(raw, "net.onnx")
    assert find_kind(raw, "net.onnx", "logits") == "logits"
    with pytest.raises(ArtifactError, match="independent labels"):
        find_kind(raw, "net.onnx", "probabilities")


def test_a_logit_that_is_named_a_probability_is_refused() -> None:
    with pytest.raises(ArtifactError, match=r"below 0 or above 1, .* Leave --output out"):
        find_kind(np.array([[0.5], [3.0]], np.float32), "net.onnx", "probabilities")
    assert find_kind(np.array([[0.5], [1.0]], np.float32), "net.onnx", "probabilities") == "probability"


def test_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ArtifactError, match="not finite"):
        find_kind(np.array([[np.nan, 1.0]], np.float32), "net.onnx")


@pytest.mark.parametrize(
    ("rows", "kind", "expected"),
    [
        ([[0.25, 0.75]], "probabilities", [[0.25, 0.75]]),
        ([[1000.0, 1000.0]], "logits", [[0.5, 0.5]]),
        ([[0.75]], "probability", [[0.25, 0.75]]),
        ([[np.log(3)]], "logit", [[0.25, 0.75]]),
    ],
)
def test_every_kind_becomes_probabilities(
    rows: list[list[float]], kind: OutputKind, expected: list[list[float]]
) -> None:
    assert np.allclose(to_probabilities(np.array(rows, np.float32), kind), expected, atol=1e-6)
