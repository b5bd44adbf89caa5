import builtins
from pathlib import Path

import pytest

from temper.errors import MissingRuntime
from temper.infer import parquet
from temper.infer.results import Prediction, Result
from temper.infer.rows import COLUMNS, row_of

RESULTS = [
    Result(source="a.jpg", sha256="ab", predictions=(Prediction("cat", 0.75), Prediction("dog", 0.25)), unknown=False),
    Result(source="none.jpg", error="none.jpg does not exist"),
]


def test_rows_of_several_groups_are_read_again_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet

    monkeypatch.setattr(parquet, "GROUP_ROWS", 2)
    rows = [row_of(each) for each in 3 * RESULTS]
    parquet.write_parquet(tmp_path / "a.parquet", iter(rows))
    table = pyarrow.parquet.read_table(tmp_path / "a.parquet")
    assert tuple(table.column_names) == COLUMNS
    assert table.to_pylist() == rows
    assert pyarrow.parquet.ParquetFile(tmp_path / "a.parquet").num_row_groups == 3


def test_a_failure_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    def rows() -> object:
        yield row_of(RESULTS[0])
        raise OSError("gone")

    (tmp_path / "a.parquet").write_text("before")
    with pytest.raises(OSError, match="gone"):
        parquet.write_parquet(tmp_path / "a.parquet", rows())  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]
    assert (tmp_path / "a.parquet").read_text() == "before"


def test_no_rows_are_a_table_without_rows(tmp_path: Path) -> None:
    import pyarrow.parquet

    parquet.write_parquet(tmp_path / "a.parquet", [])
    assert pyarrow.parquet.read_table(tmp_path / "a.parquet").num_rows == 0


def test_without_pyarrow_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def refuse(name: str, *more: object, **named: object) -> object:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return original(name, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingRuntime, match="pip install pyarrow"):
        parquet.import_pyarrow()
