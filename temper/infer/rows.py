"""A result as a row of a table: the same columns in every file that a job writes."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from temper.escaping import csv_cell, csv_text, stored_name
from temper.infer.results import Result

COLUMNS = ("file", "sha256", "label", "probability", "unknown", "error", "predictions")
# Columns with names, which a spreadsheet must not take for formulas.
TEXTS = ("file", "label", "error")
# Characters of a cell. The module csv allows 131,072, the predictions of 2,000 labels.
MAX_CELL = 2**30
# How rows are stored as text.
Form = Literal["jsonl", "csv"]
Row = Mapping[str, Any]


def row_of(result: Result) -> dict[str, Any]:
    """The columns of a result, in the order of COLUMNS.

    file: as `stored_name` writes it. label "" and probability None when there is an error; unknown None without a
    threshold.

    >>> row_of(Result(source="a.jpg", sha256="9f2c", error="a.jpg is damaged"))["label"]
    ''
    """
    return {
        "file": stored_name(result.source),
        "sha256": result.sha256,
        "label": result.label,
        "probability": None if result.error else result.probability,
        "unknown": result.unknown,
        "error": stored_name(result.error),
        "predictions": [{"label": each.label, "probability": each.probability} for each in result.predictions],
    }


def rows_by_rank(result: Result) -> list[list[object]]:
    """One row for each label, for the table that is printed: file, rank, label, probability, unknown, error."""
    file = csv_cell(stored_name(result.source))
    if result.error:
        return [[file, "", "", "", "", csv_cell(stored_name(result.error))]]
    unknown = {None: "", True: "yes", False: "no"}[result.unknown]
    return [
        [file, rank, csv_cell(each.label), f"{each.probability:.6f}", unknown, ""]
        for rank, each in enumerate(result.predictions, start=1)
    ]


def encode_rows(rows: Iterable[Row], form: Form) -> bytes:
    """Rows as lines of JSON, or as lines of a CSV file without its header."""
    if form == "jsonl":
        return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(_cells(row) for row in rows)
    return text.getvalue().encode()


def decode_row(record: bytes, form: Form) -> dict[str, Any]:
    """One row of `encode_rows`. Raises ValueError, KeyError or csv.Error for anything else."""
    if form == "jsonl":
        row = json.loads(record)
    else:
        csv.field_size_limit(MAX_CELL)
        (cells,) = csv.reader(io.StringIO(record.decode(), newline=""))
        row = dict(zip(COLUMNS, cells, strict=True))
        row.update((name, csv_text(row[name])) for name in TEXTS)
        row["probability"] = float(row["probability"]) if row["probability"] else None
        row["unknown"] = {"": None, "true": True, "false": False}[row["unknown"]]
        row["predictions"] = json.loads(row["predictions"])
    if not isinstance(row, dict) or tuple(row) != COLUMNS:
        raise ValueError(f"expected the columns {', '.join(COLUMNS)}")
    if not all(isinstance(row[name], str) for name in (*TEXTS, "sha256")):
        raise ValueError(f"expected text for {', '.join((*TEXTS, 'sha256'))}")
    return row


def _cells(row: Row) -> list[object]:
    cells = {**row, **{name: csv_cell(row[name]) for name in TEXTS}}
    cells["unknown"] = "" if row["unknown"] is None else json.dumps(row["unknown"])
    cells["predictions"] = json.dumps(row["predictions"], ensure_ascii=False)
    return list(cells.values())
