import subprocess
import sys
from pathlib import Path

import pytest

from data.run import parse, run
from experiments.dirty_dataset import plant_issues, write_clean_dataset
from temper.errors import DataError, UsageError
from temper.exit_codes import ExitCode

ROOT = Path(__file__).parents[2]
SHA256 = "0" * 64


def call(*arguments: str) -> int:
    return run(parse(list(arguments)))


def test_draw_reports_the_number_of_images_and_draws_nothing_the_second_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    command = ("draw", str(tmp_path / "drawn"), "--train", "2", "--test", "1")
    assert call(*command) == ExitCode.OK
    assert capsys.readouterr().out == f"{tmp_path / 'drawn'}: 6 images\n"
    with caplog.at_level("INFO", "temper.data"):
        assert call(*command) == ExitCode.OK
    assert capsys.readouterr().out == ""
    assert "nothing was drawn" in caplog.text


def test_a_folder_that_exists_is_not_fetched(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "temper.data"):
        assert call("fetch", str(tmp_path), "--url", "http://127.0.0.1:9/x.zip") == ExitCode.OK
    assert "nothing was downloaded" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            ["fetch", "{}/photos", "--url", "http://127.0.0.1:9/x.zip", "--sha256", SHA256],
            DataError,
            "cannot be downloaded",
        ),
        (["fetch", "{}/photos", "--url", "file:///x.zip", "--sha256", SHA256], UsageError, "http:// or https://"),
        (["fetch", "{}/photos", "--url", "http://127.0.0.1:9/x.zip"], UsageError, "--url needs --sha256"),
        (["scan", "{}/nowhere"], DataError, "has no images"),
    ],
)
def test_bad_input_is_an_error_with_a_remedy(
    arguments: list[str], error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        call(*(argument.format(tmp_path) for argument in arguments))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        *((f"fetch --size {word}", "expected a whole number from 1 to 1000000000000") for word in ("-5", "0", "1.5")),
        *((f"draw --train {word}", "expected a whole number from 1 to 1000000") for word in ("abc", "0", "1000001")),
        ("draw --test 1.5", "expected a whole number from 1 to 1000000"),
        ("draw --seed abc", "expected a whole number from 0 to 4294967295"),
        ("fetch --sha256 zz", "expected the 64 hexadecimal digits of a SHA-256, got 'zz'"),
        (f"fetch --sha256 {SHA256}0", "expected the 64 hexadecimal digits of a SHA-256"),
    ],
)
def test_a_value_that_is_not_possible_is_refused_before_the_work(
    words: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse([*words.split(), "new"])
    assert ended.value.code == ExitCode.USAGE
    assert expected in capsys.readouterr().err


def test_scan_prints_its_results_as_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plant_issues(write_clean_dataset(tmp_path))
    assert call("scan", str(tmp_path), "--accept-leaks") == ExitCode.OK
    issues, kinds, folders = capsys.readouterr().out.split("\n\n")
    assert issues.splitlines()[0].split() == ["image", "issue", "detail", "in", "training"]
    assert "train/cat/leak.jpg" in issues
    assert "left out" in next(line for line in issues.splitlines() if "mislabeled.jpg" in line)
    assert ["label", "conflict", "2"] in [line.split() for line in kinds.splitlines()]
    assert ["test/dog", "4"] in [line.split() for line in folders.splitlines()]
    assert "near-duplicate leak" in (tmp_path / "scan.html").read_text(encoding="utf-8")


@pytest.mark.programs
def test_leaks_end_the_command_unless_they_are_accepted(tmp_path: Path) -> None:
    folder = write_clean_dataset(tmp_path)
    (folder / "train/cat/leak.jpg").write_bytes((folder / "test/cat/0.jpg").read_bytes())
    command = [sys.executable, "data/run.py", "scan", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == ExitCode.DATA
    assert f"{folder / 'scan.html'}: " in done.stderr
    assert "error: 1 image of train/ is also in test/" in done.stderr
    accepted = subprocess.run([*command, "--accept-leaks"], cwd=ROOT, capture_output=True, text=True)
    assert accepted.returncode == ExitCode.OK
    assert "leak.jpg" in (folder / "quarantine.csv").read_text()
    assert "leak.jpg" in accepted.stdout
    assert "quarantine.csv" in accepted.stderr
