import json
from pathlib import Path

import pytest

from experiments.chaos import run as chaos
from experiments.chaos.record import Record
from experiments.chaos.registry import SUITES, Suite


def options(folder: Path, *words: str) -> object:
    return chaos.parse(["--out", str(folder / "reliability.md"), *words])


@pytest.mark.programs
def test_the_report_has_the_counts_and_shows_that_the_fault_was_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(chaos, "MIN_TRIES", 6)
    only = ["--only", "full disks", "--fraction", "0.006"]
    assert chaos.run(options(tmp_path, *only)) == 0  # type: ignore[arg-type]
    (suite,) = json.loads((tmp_path / "reliability.json").read_text())["suites"]
    assert (suite["name"], suite["tried"], suite["lost"], suite["passed"]) == ("full disks", 6, 0, True)
    assert suite["planted"]["noticed"] > 0
    assert suite["more"]["peak MiB"] > 0
    printed = capsys.readouterr()
    assert (tmp_path / "reliability.md").read_text() == printed.out.removesuffix("\n")
    assert "| full disks |" in printed.out
    assert "1 of 1: full disks: passed, 6 tried" in printed.err


@pytest.mark.parametrize(
    ("record", "faulty"), [(Record(tried=2, ok=1, lost=1), Record(tried=1, lost=1)), (Record(tried=1, ok=1), Record())]
)
def test_a_failure_and_an_unnoticed_fault_give_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record: Record, faulty: Record
) -> None:
    monkeypatch.setattr(chaos, "run_alone", lambda _, words: faulty if "--with-fault" in words else record)
    assert chaos.run(options(tmp_path)) == 1  # type: ignore[arg-type]
    suites = json.loads((tmp_path / "reliability.json").read_text())["suites"]
    assert [each["name"] for each in suites] == [each.name for each in SUITES]


def test_an_interruption_leaves_the_figures_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(suite: Suite, words: list[str]) -> Record:
        if suite is SUITES[2]:
            raise KeyboardInterrupt
        return Record(tried=1, lost=int("--with-fault" in words))

    monkeypatch.setattr(chaos, "run_alone", run)
    with pytest.raises(KeyboardInterrupt):
        chaos.run(options(tmp_path, "--at-once", "1"))  # type: ignore[arg-type]
    report = json.loads((tmp_path / "reliability.json").read_text())
    assert [each["name"] for each in report["suites"]] == [each.name for each in SUITES[:2]]
    assert report["missing"] == [each.name for each in SUITES[2:]]


@pytest.mark.programs
def test_a_suite_that_crashes_or_does_not_end_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = Suite(name="none", what="", function="", count=1, fault="", fault_count=1)
    crashed = chaos.run_alone(unknown, [])
    assert (crashed.crash, crashed.failures) == (1, 1)
    assert "invalid choice" in crashed.more["message"]
    monkeypatch.setattr(chaos, "TIMEOUT_SECONDS", 0.0)
    assert chaos.run_alone(unknown, []).hang == 1


def test_an_unknown_suite_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        chaos.parse(["--only", "none"])
    assert "there is no suite 'none'" in capsys.readouterr().err
