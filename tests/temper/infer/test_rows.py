import csv
import json
from pathlib import Path

import pytest

from temper.infer.results import Prediction, Result
from temper.infer.rows import COLUMNS, Form, decode_row, encode_rows, row_of

GOOD = Result(
    source='a "b",\nc.jpg',
    sha256="9f2c",
    predictions=(Prediction("猫", 0.1 + 0.2), Prediction("dog", 0.1)),
    unknown=True,
)
BAD = Result(source="none.jpg", error="none.jpg does not exist. Check the path.")
FORMULA = Result(source="=HYPERLINK(1).jpg", predictions=(Prediction("@SUM", 0.5), Prediction("-1", 0.5)))
QUOTED = Result(source="'=1.jpg", error="+ does not exist")
PLAIN = Result(source="video.mp4@1.000s", predictions=(Prediction("cat", 1.0),))
MANY = Result(source="a.jpg", predictions=tuple(Prediction(f"label {number}", 0.0002) for number in range(5000)))
NO_TEXT = json.dumps({**row_of(PLAIN), "file": 1}).encode() + b"\n"


def test_a_row_has_its_columns_in_their_order() -> None:
    row = row_of(GOOD)
    assert tuple(row) == COLUMNS
    assert row == {
        "file": GOOD.source, "sha256": "9f2c", "label": "猫", "probability": 0.1 + 0.2, "unknown": True, "error": "",
        "predictions": [{"label": "猫", "probability": 0.1 + 0.2}, {"label": "dog", "probability": 0.1}],
    }  # fmt: skip


def test_a_failure_is_a_row_without_a_label() -> None:
    row = row_of(BAD)
    assert (row["label"], row["probability"], row["unknown"], row["predictions"]) == ("", None, None, [])
    assert "does not exist" in row["error"]


@pytest.mark.parametrize("form", ["jsonl", "csv"])
@pytest.mark.parametrize("result", [GOOD, BAD, PLAIN, FORMULA, QUOTED, MANY], ids=lambda each: each.source)
def test_a_row_is_the_same_after_it_was_stored(result: Result, form: Form) -> None:
    encoded = encode_rows([row_of(result)], form)
    assert encoded.endswith(b"\n")
    assert decode_row(encoded, form) == row_of(result)


@pytest.mark.parametrize("form", ["jsonl", "csv"])
@pytest.mark.parametrize("record", [b"{}\n", b"[1]\n", b"a,b\n", b"\n", b"\xff\n", b"a,b,c,x,maybe,,[]\n", NO_TEXT])
def test_anything_else_is_no_row(record: bytes, form: Form) -> None:
    with pytest.raises((ValueError, KeyError)):
        decode_row(record, form)


def test_a_file_name_that_is_no_text_can_be_stored() -> None:
    name = str(Path("caf\udce9.jpg"))
    assert row_of(Result(source=name))["file"] == r"caf\xe9.jpg"
    assert encode_rows([row_of(Result(source=name, error=f"{name} is damaged"))], "jsonl").count(rb"caf\\xe9.jpg") == 2


def test_no_cell_of_a_table_is_a_formula() -> None:
    for result in (FORMULA, QUOTED):
        cells = next(csv.reader([encode_rows([row_of(result)], "csv").decode()]))
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
