import dataclasses

from experiments.training_time.compare import parse
from experiments.training_time.splits import FIRST_AT_TARGET, HEADINGS, splits_sections, splits_table
from tests.experiments.training_time.test_compare import RESULT


def test_speedups_are_medians_of_paired_ratios_and_missed_targets_are_counted() -> None:
    slow = dataclasses.replace(RESULT, ours=[dataclasses.replace(RESULT.ours[0], seconds=4.0, val_correct=20)])
    rows = {row[0]: dict(zip(HEADINGS, row, strict=True)) for row in splits_table([RESULT, slow, slow]).rows}
    ours = rows["train/run.py"]
    assert ours["seconds, median (range)"] == "4.0 (2.0 to 4.0)"
    assert ours["speedup over both epochs"].startswith("10.0 [")
    assert ours["speedup over the tutorial's loop"].startswith("5.0 [")
    assert ours["speedup over the fair loop"].startswith("2.5 [")
    assert ours["reaches the target"] == "2 of 3"
    assert ours["images above the target, by split"] == "-2, +2, +2"
    assert ours["test accuracy, %, mean"] == "70.0"
    assert rows[FIRST_AT_TARGET]["images above the target, by split"] == "+1, +1, +1"
    assert rows["fair loop"]["speedup over the fair loop"] == "1.0"


def test_the_table_of_the_first_split_follows() -> None:
    assert splits_sections([RESULT, RESULT])[-1] == "The first split:"
    assert parse(["--data", "photos", "--weights", "w.h5"]).splits == 1
