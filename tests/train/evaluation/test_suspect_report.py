import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from temper.escaping import csv_text, original_name
from train.evaluation.suspect_labels import Suspect, SuspectLabels
from train.evaluation.suspect_report import (
    HEADER,
    MAX_IN_CARD,
    MAX_IN_LINE,
    describe_suspects,
    suspects_section,
    write_suspects,
)

FOLDER = Path("photos")
NO_PIXELS = np.zeros((0, 8, 8, 3), np.uint8)


def suspects_of(names: Iterable[str], not_examined: tuple[str, ...] = ()) -> SuspectLabels:
    suspects = [
        Suspect(
            path=FOLDER / "cat" / name,
            label="cat",
            looks_like="dog",
            label_probability=0.02,
            looks_like_probability=0.98,
        )
        for name in names
    ]
    return SuspectLabels(n_images=1400, suspects=suspects, pixels=NO_PIXELS, not_examined=not_examined)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_list_has_a_row_for_each_suspect_in_their_order(tmp_path: Path) -> None:
    target = tmp_path / "model.suspects.csv"
    write_suspects(target, FOLDER, suspects_of(["b.jpg", "a.jpg"]))
    rows = rows_of(target)
    assert tuple(rows[0]) == HEADER
    assert [row["path"] for row in rows] == ["cat/b.jpg", "cat/a.jpg"]
    assert rows[1] == {
        "path": "cat/a.jpg",
        "label": "cat",
        "looks_like": "dog",
        "label_probability": "0.020000",
        "looks_like_probability": "0.980000",
        "rank": "2",
    }


def test_names_that_a_spreadsheet_would_compute_or_that_are_no_text_are_escaped(tmp_path: Path) -> None:
    suspect = Suspect(
        path=FOLDER / "=cmd" / "caf\udce9\n.jpg",
        label="=cmd",
        looks_like="+dog",
        label_probability=0.1,
        looks_like_probability=0.9,
    )
    suspects = SuspectLabels(n_images=9, suspects=[suspect], pixels=NO_PIXELS)
    write_suspects(tmp_path / "list.csv", FOLDER, suspects)
    (row,) = rows_of(tmp_path / "list.csv")
    assert (row["label"], row["looks_like"]) == ("'=cmd", "'+dog")
    assert row["path"].startswith("'=")
    assert original_name(csv_text(row["path"])) == "=cmd/caf\udce9\n.jpg"
    line = describe_suspects(suspects, FOLDER, "list.csv")
    assert line.isprintable()
    assert "\n.jpg" not in suspects_section(suspects, FOLDER, "model")


def test_the_line_names_the_first_suspects_and_what_to_do() -> None:
    line = describe_suspects(suspects_of(f"{index}.jpg" for index in range(5)), FOLDER, "model.suspects.csv")
    assert line.startswith("suspect labels: 5 of 1,400 images: cat/0.jpg (cat, looks like dog: 98.0 %), cat/1.jpg")
    assert line.count("looks like") == MAX_IN_LINE
    assert ", ...." in line
    assert "model.suspects.csv" in line
    assert "train again" in line
    assert describe_suspects(suspects_of([]), FOLDER, "x") == "suspect labels: none of 1,400 images"


@pytest.mark.parametrize("count", [1, MAX_IN_CARD, MAX_IN_CARD + 7])
def test_the_section_of_the_card_lists_the_first_ones(count: int) -> None:
    text = suspects_section(suspects_of(f"{index}.jpg" for index in range(count)), FOLDER, "pets")
    assert f"**{count}** of 1,400 images {'has' if count == 1 else 'have'} a label that is probably wrong" in text
    assert text.count("| cat | dog | 2.0 % | 98.0 % |") == min(count, MAX_IN_CARD)
    assert ("The first 20, the most suspect first" in text) == (count > MAX_IN_CARD)
    assert "`pets.suspects.csv`" in text
    assert "train again" in text


def test_the_section_says_what_was_not_examined() -> None:
    text = suspects_section(None, FOLDER, "model")
    assert "Labels were not examined" in text
    assert "`--force-suspects` where images times labels are more than 10,000,000" in text
    assert "`--trainable head`" in text
    text = suspects_section(suspects_of([], not_examined=("lynx", "<b>")), FOLDER, "model")
    assert text.startswith("None of 1,400 images has a label that is probably wrong.")
    assert "were not examined: lynx, &lt;b&gt;." in text
