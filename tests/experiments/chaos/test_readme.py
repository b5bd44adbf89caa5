import json
from pathlib import Path

import pytest

from experiments.chaos import readme
from experiments.chaos.record import COUNTS
from experiments.support import RESULTS, ROOT

REPORT = {"suites": [{"name": "x", **dict.fromkeys(COUNTS, 0), "tried": 12_345, "ok": 12_344, "refused": 1}]}


def test_the_table_of_the_readme_is_the_one_of_the_report() -> None:
    report = json.loads((RESULTS / "reliability.json").read_text())
    assert report["missing"] == []
    assert f"{readme.BEGIN}\n{readme.table_of(report)}\n{readme.END}" in (ROOT / "README.md").read_text()


def test_an_update_replaces_the_table_alone(tmp_path: Path) -> None:
    page, report = tmp_path / "README.md", tmp_path / "r.json"
    report.write_text(json.dumps(REPORT))
    page.write_text(f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n")
    for _ in range(2):
        readme.update(page, report)
        lines = page.read_text().splitlines()
        assert (lines[0], lines[-1]) == ("before", "after")
        assert lines[4] == "| x | 12,345 | 12,344 | 1 | 0 | 0 | 0 | 0 | 0 | 0 |"
        assert len(lines) == 7


def test_a_readme_without_a_place_is_unchanged(tmp_path: Path) -> None:
    page, report = tmp_path / "README.md", tmp_path / "r.json"
    report.write_text(json.dumps(REPORT))
    page.write_text("text\n")
    with pytest.raises(ValueError, match="does not contain"):
        readme.update(page, report)
    assert page.read_text() == "text\n"
