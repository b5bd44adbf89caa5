import dataclasses
from pathlib import Path

import numpy as np
import pytest

from temper.card import read_card, write_card
from temper.errors import UserError
from temper.formats import open_runner
from temper.golden import read_golden, self_test, write_golden


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


@pytest.mark.parametrize("damage", [b"", b"other"])
def test_missing_or_changed_answers_are_refused(bundle: Path, damage: bytes) -> None:
    stored = bundle.with_name("model.golden.npz")
    stored.write_bytes(damage) if damage else stored.unlink()
    artifact = bundle.with_name("model.fp32.onnx")
    with pytest.raises(UserError, match="no golden answers"):
        read_golden(artifact, read_card(artifact))
