from pathlib import Path

import msgspec
import numpy as np
import pytest

from temper.artifact import Artifact
from temper.reference import read_golden, write_golden
from temper.runners.load import load_runner
from temper.runners.self_test import MIN_TOLERANCE, SelfTest, self_test
from tests import tiny


@pytest.fixture
def onnx(bundle: Path) -> Artifact:
    return Artifact.at(bundle).sibling("fp32", ".onnx")


def run(artifact: Artifact) -> SelfTest:
    with load_runner(artifact) as runner:
        return self_test(runner)


def test_an_undamaged_artifact_passes(onnx: Artifact) -> None:
    result = run(onnx)
    assert result.passed and result.images == 16
    assert result.max_difference < 1e-5
    assert result.label_changes == 0


def test_an_artifact_with_other_probabilities_fails(onnx: Artifact) -> None:
    images, probabilities = read_golden(onnx)
    golden = write_golden(onnx.path.with_name("model.golden.npz"), images, 1 - probabilities)
    result = run(Artifact.with_card(onnx.path, onnx.card.changed(golden=golden)))
    assert not result.passed
    assert result.label_changes == 16


@pytest.mark.parametrize(("verified", "tolerance"), [(None, MIN_TOLERANCE), (0.001, MIN_TOLERANCE), (0.1, 0.15)])
def test_the_tolerance_follows_the_difference_that_was_verified(
    onnx: Artifact, verified: float | None, tolerance: float
) -> None:
    agreement = msgspec.structs.replace(tiny.agreement(), max_difference=verified or 0.0)
    card = onnx.card.changed(agreement=agreement if verified is not None else None)
    assert np.isclose(run(Artifact.with_card(onnx.path, card)).tolerance, tolerance)
