"""The rows of a job as a Parquet file, written by pyarrow."""

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from temper.errors import MissingRuntime
from temper.infer.rows import Row
from temper.storage.atomic import atomic_write

# Rows that are in memory at a time.
GROUP_ROWS = 10_000


def import_pyarrow() -> Any:
    """The module of pyarrow. Raises MissingRuntime where it is not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingRuntime(
            "Parquet files are written by pyarrow, which is not installed",
            fix="Install it, or write a .jsonl file:\n    pip install pyarrow",
        ) from None
    return pyarrow


def schema() -> Any:
    """The types of the columns, as a pyarrow.Schema. Raises MissingRuntime without pyarrow."""
    arrow = import_pyarrow()
    prediction = arrow.struct([("label", arrow.string()), ("probability", arrow.float64())])
    return arrow.schema(
        [
            ("file", arrow.string()),
            ("sha256", arrow.string()),
            ("label", arrow.string()),
            ("probability", arrow.float64()),
            ("unknown", arrow.bool_()),
            ("error", arrow.string()),
            ("predictions", arrow.list_(prediction)),
        ]
    )


def write_parquet(target: Path, rows: Iterable[Row]) -> None:
    """Write rows in the order in which they come; the file is complete, or is not changed."""
    arrow, types, rest = import_pyarrow(), schema(), iter(rows)
    with atomic_write(target) as path, arrow.parquet.ParquetWriter(path, types) as writer:
        while group := list(itertools.islice(rest, GROUP_ROWS)):
            writer.write_batch(arrow.RecordBatch.from_pylist(group, schema=types))
