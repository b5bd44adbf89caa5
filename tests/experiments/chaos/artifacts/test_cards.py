from pathlib import Path

from experiments.chaos import guards
from experiments.chaos.artifacts import cards


def test_flipped_bits_of_a_card_are_refused_or_harmless(tmp_path: Path) -> None:
    counts = cards.run(200, 0, tmp_path)
    assert counts["tried"] == counts["ok"] + counts["refused"] == 200
    assert counts["refused"] > 150


def test_without_the_checksum_the_suite_notices(tmp_path: Path) -> None:
    with guards.unsealed():
        assert cards.run(200, 0, tmp_path)["silent"] > 0


def test_edited_cards_are_used_or_refused(tmp_path: Path) -> None:
    counts = cards.run_sealed(60, 0, tmp_path)
    assert counts["tried"] == counts["ok"] + counts["refused"] == 60


def test_errors_of_wrong_fields_that_are_not_explained_are_noticed(tmp_path: Path) -> None:
    with guards.unvalidated():
        assert cards.run_sealed(20, 0, tmp_path)["traceback"] > 0
