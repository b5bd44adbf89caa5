import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "data/run.py", *arguments], cwd=ROOT, capture_output=True, text=True)


def test_draw_says_what_it_did_and_that_it_is_there_already(tmp_path: Path) -> None:
    command = ("draw", str(tmp_path / "drawn"), "--train", "2", "--test", "1")
    assert "6 pictures drawn" in run(*command).stdout
    assert "there already" in run(*command).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["draw", "{}/drawn", "--train", "0"], "1 or more"),
        (["fetch", "{}/photos", "--url", "http://127.0.0.1:9/x.zip"], "cannot be fetched"),
    ],
)
def test_bad_input_is_one_line_with_the_remedy(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = run(*(argument.format(tmp_path) for argument in arguments))
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
