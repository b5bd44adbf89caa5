import re
from pathlib import Path

import msgspec
import numpy as np
import pytest

from temper.artifact import Artifact
from temper.card import Agreement, LabelFlip, write_card
from temper.errors import ArtifactError
from temper.reference import Golden, read_golden, write_golden
from temper.runners.load import load_runner
from temper.runners.self_test import MAX_TOLERANCE, MIN_TOLERANCE, SelfTest, _gaps, self_test
from tests import tiny


@pytest.fixture
def onnx(bundle: Path) -> Artifact:
    return Artifact.at(bundle).sibling("fp32", ".onnx")


def run(artifact: Artifact) -> SelfTest:
    with load_runner(artifact) as runner:
        return self_test(runner)


def with_golden(onnx: Artifact, golden: Golden, agreement: Agreement | None = None) -> Artifact:
    reference = write_golden(onnx.path.with_name("model.golden.npz"), golden)
    agreement = agreement or onnx.card.agreement
    return Artifact.with_card(onnx.path, onnx.card.changed(golden=reference, agreement=agreement))


def with_changes(onnx: Artifact, images: int, keras: float) -> Golden:
    """Golden predictions where Keras gives the first images the other label, with this probability."""
    golden = read_golden(onnx)
    with load_runner(onnx) as runner:
        probabilities = runner.predict(golden.images)
    for i in range(images):
        other = int(probabilities[i].argmin())
        probabilities[i] = [1 - keras, keras] if other else [keras, 1 - keras]
    return golden._replace(probabilities=probabilities)


def recorded(onnx: Artifact, golden: Golden, images: int, max_difference: float) -> Agreement:
    """The agreement of a conversion that has seen these changes."""
    with load_runner(onnx) as runner:
        after = runner.predict(golden.images).argmax(axis=1)
    flips = tuple(
        LabelFlip(file=name, truth=truth, keras="", predicted=onnx.card.labels[i])
        for (truth, _, name), i in zip((each.partition("/") for each in golden.files[:images]), after, strict=False)
    )
    return msgspec.structs.replace(tiny.agreement(), flips=flips, max_difference=max_difference)


def test_an_undamaged_artifact_passes(onnx: Artifact) -> None:
    result = run(onnx)
    assert result.passed and result.images == 16
    assert result.max_difference < 1e-5
    assert result.label_changes == 0


def test_an_artifact_with_other_probabilities_fails(onnx: Artifact) -> None:
    golden = read_golden(onnx)
    result = run(with_golden(onnx, golden._replace(probabilities=1 - golden.probabilities)))
    assert not result.passed
    assert result.label_changes == result.unexpected_changes == 16


@pytest.mark.parametrize(
    ("verified", "tolerance"), [(None, MIN_TOLERANCE), (0.001, MIN_TOLERANCE), (0.1, 0.15), (0.9, MAX_TOLERANCE)]
)
def test_the_tolerance_follows_the_difference_that_was_verified(
    onnx: Artifact, verified: float | None, tolerance: float
) -> None:
    agreement = msgspec.structs.replace(tiny.agreement(), max_difference=verified or 0.0)
    card = onnx.card.changed(agreement=agreement if verified is not None else None)
    assert np.isclose(run(Artifact.with_card(onnx.path, card)).tolerance, tolerance)


def test_golden_images_have_names_by_which_the_conversion_records_changes(onnx: Artifact) -> None:
    names = read_golden(onnx).files
    assert len(set(names)) == 16
    assert {each.partition("/")[0] for each in names} == set(onnx.card.labels)


def test_a_label_that_changes_unexpectedly_fails_within_any_tolerance(onnx: Artifact) -> None:
    golden = with_changes(onnx, images=1, keras=0.7)
    # The largest tolerance, but what another machine may add is little.
    result = run(with_golden(onnx, golden, recorded(onnx, golden, images=0, max_difference=0.49)))
    assert (result.label_changes, result.unexpected_changes, result.passed) == (1, 1, False)


def test_a_change_that_the_conversion_recorded_passes(onnx: Artifact) -> None:
    golden = with_changes(onnx, images=2, keras=0.7)
    result = run(with_golden(onnx, golden, recorded(onnx, golden, images=2, max_difference=0.7)))
    assert (result.label_changes, result.unexpected_changes, result.passed) == (2, 0, True)
    result = run(with_golden(onnx, golden, recorded(onnx, golden, images=1, max_difference=0.7)))
    assert (result.label_changes, result.unexpected_changes, result.passed) == (2, 1, False)


def test_a_change_between_labels_that_are_nearly_equal_passes() -> None:
    golden = Golden(np.zeros((2, 1, 1, 3), np.uint8), np.array([[0.505, 0.495], [0.53, 0.47]], np.float32))
    gaps = _gaps(golden.probabilities, np.array([1, 1]))
    assert gaps[0] <= 2 * MIN_TOLERANCE < gaps[1]


def test_without_names_as_many_labels_may_change_as_did_at_the_conversion(onnx: Artifact) -> None:
    golden = with_changes(onnx, images=2, keras=0.52)
    for flips, unexpected in ((2, 0), (1, 1), (0, 2)):
        agreement = recorded(onnx, golden, images=flips, max_difference=0.5)
        result = run(with_golden(onnx, golden._replace(files=()), agreement))
        assert (result.label_changes, result.unexpected_changes) == (2, unexpected)


@pytest.mark.parametrize("value", ["1e9", "-0.1", "1e400", "null", "NaN", "2"])
def test_no_value_in_the_card_switches_the_test_off(onnx: Artifact, value: str) -> None:
    agreement = msgspec.structs.replace(tiny.agreement(), max_difference=0.25)
    write_card(onnx.path, onnx.card.changed(agreement=agreement))
    # Without the card's own checksum, as an attacker would write it.
    text = re.sub(r'\n  "card_sha256": .*', "", onnx.card_path.read_text())
    onnx.card_path.write_text(text.replace('"max_difference": 0.25', f'"max_difference": {value}'))
    with pytest.raises(ArtifactError):
        assert Artifact.at(onnx.path).card
