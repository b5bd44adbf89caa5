from pathlib import Path

import pytest

from experiments.chaos import guards
from experiments.chaos.decoding.dataset_files import make_attack, run
from experiments.chaos.decoding.images import corpus_for
from temper.errors import UnreadableImage


def test_a_scan_uses_what_can_be_decoded_and_nothing_else(tmp_path: Path) -> None:
    attack = make_attack(corpus_for(10, tmp_path), 0, tmp_path)
    outcomes = [attack(number) for number in range(60)]
    assert outcomes[:6] == ["ok"] * 6
    assert set(outcomes) == {"ok", "refused"}


def test_an_image_that_training_cannot_decode_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, size: int) -> None:
        raise UnreadableImage("damaged")

    attack = make_attack(corpus_for(10, tmp_path), 0, tmp_path)
    monkeypatch.setattr("experiments.chaos.decoding.dataset_files.load_image", fail)
    assert attack(0) == "silent"


@pytest.mark.programs
@pytest.mark.slow
def test_a_scan_that_decodes_nothing_is_noticed(tmp_path: Path) -> None:
    with guards.undecoded():
        assert run(60, 0, tmp_path)["silent"] > 0
