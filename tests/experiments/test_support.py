import importlib
import os
import platform
from pathlib import Path

import pytest

from experiments.support import RESULTS, ROOT, make_parser, mean_interval, resident_mib, run_program, write_report
from temper.card import Host
from temper.cli.tables import Table

PROGRAMS = ("dirty_scan", "int8_outliers", "kills", "open_close_cycles", "training_time.compare")


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_explains_its_options(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        importlib.import_module(f"experiments.{name}").parse(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert f"python experiments/{name.replace('.', '/')}.py" in text
    assert "--verbose" in text


@pytest.mark.programs
def test_programs_import_nothing_heavy_before_they_have_parsed() -> None:
    imports = "; ".join(f"import experiments.{name}" for name in PROGRAMS)
    heavy = {"numpy", "PIL", "keras", "tensorflow", "scipy", "platformdirs"}
    run_program("-c", f"import sys; {imports}; assert not {heavy} & set(sys.modules)")


def test_the_default_of_out_is_the_result_in_the_repository() -> None:
    assert make_parser("", "scan.md").parse_args([]).out == RESULTS / "scan.md"
    assert RESULTS == ROOT / "benchmarks" / "results"


def test_the_usage_names_the_program_that_was_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", [str(ROOT / "experiments" / "folders" / "kills.py")])
    assert make_parser("").prog == "python experiments/folders/kills.py"
    monkeypatch.setattr("sys.argv", ["/elsewhere/program.py"])
    assert make_parser("").prog == "python program.py"


def test_a_report_is_printed_and_written_as_markdown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(headings=("a", "b"), rows=[("1", "2")])
    write_report(tmp_path / "a.md", "Title", "A text.", "", table, with_machine=False)
    assert (tmp_path / "a.md").read_text() == "# Title\n\nA text.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n"
    assert (tmp_path / "a.md").read_text() in capsys.readouterr().out


def test_a_report_ends_with_the_machine_and_the_versions_of_the_packages_that_are_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host(processor="AMD EPYC", cores=2, memory_gib=24, system="Linux x86_64")
    monkeypatch.setattr("temper.system.host.describe_host", lambda: host)
    write_report(tmp_path / "a.md", "Title", "A text.", packages=("pytest", "no-such-package"))
    versions = f"Python {platform.python_version()}, pytest {pytest.__version__}"
    expected = f"# Title\n\nA text.\n\nMachine: AMD EPYC, 2 cores, 24 GiB, Linux x86_64. {versions}.\n"
    assert (tmp_path / "a.md").read_text() == expected


@pytest.mark.programs
def test_a_program_that_fails_raises_with_its_messages() -> None:
    with pytest.raises(RuntimeError, match=r"exit code 3:\nbad input"):
        run_program("-c", "import sys; print('bad input', file=sys.stderr); sys.exit(3)")


def test_memory_of_this_process_is_measured_and_that_of_an_ended_one_is_an_error() -> None:
    assert 5 < resident_mib() == pytest.approx(resident_mib(os.getpid()), rel=0.1)
    with pytest.raises(OSError, match="2147483647"):
        resident_mib(2**31 - 1)


def test_the_interval_of_a_mean_is_that_of_students_t() -> None:
    # Three values with the standard deviation 1: 4.303 standard errors to either side.
    assert mean_interval([1.0, 2.0, 3.0]) == pytest.approx((2 - 4.3027 / 3**0.5, 2 + 4.3027 / 3**0.5), rel=1e-4)
