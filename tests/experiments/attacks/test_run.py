from pathlib import Path

import pytest

from experiments.attacks import run


def test_the_table_has_a_row_for_each_suite_and_the_exit_code_says_whether_all_was_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suites = {"good": (f"{__name__}:refused", 2), "bad": (f"{__name__}:silent", 1)}
    monkeypatch.setattr(run, "SUITES", suites)
    target = tmp_path / "attacks.md"
    assert run.run(run.parse(["--tries", "3", "--out", str(target)])) == 1
    text = target.read_text()
    assert "| good | 6 | 0 | 6 | 0 | 0 | 0 | 0.1 |  |" in text
    assert '| bad | 3 | 0 | 2 | 1 | 0 | 0 | 0.1 | {"examples": ["a bit: silent"]} |' in text
    assert run.run(run.parse(["--suite", "good", "--out", str(target)])) == 0


def refused(count: int, seed: int, scratch: Path) -> dict[str, object]:
    return {
        "tried": count, "ok": 0, "refused": count, "silent": 0, "traceback": 0, "crash": 0, "seconds": 0.1,
        "examples": [],
    }  # fmt: skip


def silent(count: int, seed: int, scratch: Path) -> dict[str, object]:
    return {**refused(count, seed, scratch), "refused": count - 1, "silent": 1, "examples": ["a bit: silent"]}
