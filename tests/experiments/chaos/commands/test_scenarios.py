import json
from pathlib import Path

import pytest

from experiments.chaos.commands.scenarios import rows_of, seconds_of


def test_a_torn_last_row_does_not_count_and_a_torn_row_before_it_counts_twice(tmp_path: Path) -> None:
    row = json.dumps({"file": "a.png"}).encode()
    assert rows_of(tmp_path / "none") == {}
    (tmp_path / "rows").write_bytes(row + b"\n" + row)
    assert rows_of(tmp_path / "rows") == {"a.png": 1}
    (tmp_path / "rows").write_bytes(row + b"\n" + row[:5] + b"\n" + row + b"\n")
    assert rows_of(tmp_path / "rows") == {"a.png": 2, "torn": 2}


@pytest.mark.programs
def test_a_command_that_fails_undisturbed_is_an_error() -> None:
    assert seconds_of(["-c", ""]) < 30
    with pytest.raises(RuntimeError, match="ended with exit code 3"):
        seconds_of(["-c", "raise SystemExit(3)"])
