from pathlib import Path

import pytest

from experiments.chaos.artifacts import cards
from temper.card import files


def test_flipped_bits_of_a_card_are_refused_or_harmless(tmp_path: Path) -> None:
    counts = cards.run(400, 0, tmp_path)
    assert counts["tried"] == counts["ok"] + counts["refused"] == 400
    assert counts["refused"] > 300


def test_without_the_checksum_the_suite_notices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "sealed", lambda fields: fields)
    assert cards.run(400, 0, tmp_path)["silent"] > 0


def test_edited_cards_are_used_or_refused(tmp_path: Path) -> None:
    counts = cards.run_sealed(60, 0, tmp_path)
    assert counts["tried"] == counts["ok"] + counts["refused"] == 60
