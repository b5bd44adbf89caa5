import dataclasses
from pathlib import Path

import numpy as np
import pytest

from temper.card import read_card, write_card
from temper.errors import UserError
from temper.formats import open_runner
from temper.reference import read_answers, read_golden, self_test, write_answers, write_golden


def test_the_bundle_carries_sixteen_pictures_and_their_answers(bundle: Path) -> None:
    artifact = bundle.with_name("model.fp32.onnx")
    images, answers = read_golden(artifact, read_card(artifact))
    assert images.shape == (16, 16, 16, 3)
    assert answers.shape == (16, 2)


def test_a_sound_artifact_passes(bundle: Path) -> None:
    with open_runner(bundle.with_name("model.fp32.onnx")) as runner:
        result = self_test(runner)
    assert result.passed
    assert result.largest_difference < 1e-5


def test_an_artifact_that_answers_otherwise_fails(bundle: Path) -> None:
    artifact = bundle.with_name("model.fp32.onnx")
    card = read_card(artifact)
    images, answers = read_golden(artifact, card)
    golden = write_golden(bundle.with_name("model.golden.npz"), images, np.asarray(1 - answers, np.float32))
    write_card(artifact, dataclasses.replace(card, golden=golden))
    with open_runner(artifact) as runner:
        result = self_test(runner)
    assert not result.passed
    assert result.flipped == 16


def test_kept_answers_are_found_beside_the_model_and_beside_what_was_made_of_it(bundle: Path) -> None:
    artifact = bundle.with_name("model.fp32.onnx")
    one, other = read_answers(bundle, read_card(bundle)), read_answers(artifact, read_card(artifact))
    assert one is not None and other is not None
    assert one.shape == (16, 2) and np.array_equal(one, other)


def test_answers_of_another_model_are_not_taken(bundle: Path) -> None:
    card = read_card(bundle)
    assert read_answers(bundle, dataclasses.replace(card, sha256="0" * 64)) is None
    write_answers(bundle, card, np.zeros((16, 2), np.float32))
    found = read_answers(bundle, card)
    assert found is not None and not found.any()
    bundle.with_name("model.answers.npz").unlink()
    assert read_answers(bundle, card) is None


@pytest.mark.parametrize("damage", [b"", b"other"])
def test_missing_or_changed_answers_are_refused(bundle: Path, damage: bytes) -> None:
    stored = bundle.with_name("model.golden.npz")
    stored.write_bytes(damage) if damage else stored.unlink()
    artifact = bundle.with_name("model.fp32.onnx")
    with pytest.raises(UserError, match="no golden answers"):
        read_golden(artifact, read_card(artifact))
