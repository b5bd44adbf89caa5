import argparse
import csv
import io
import json
import sys
from collections.abc import Iterator

import pytest

from temper.cli.console import configure_logging
from temper.cli.results import HEADER, show
from temper.escaping import csv_text, original_name
from temper.exit_codes import ExitCode
from temper.infer.results import Prediction, Result


def test_csv_has_a_header_without_results(capsys: pytest.CaptureFixture[str]) -> None:
    assert show([], "csv") == ExitCode.OK
    assert capsys.readouterr().out == f"{','.join(HEADER)}\n"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_terminal_gets_no_codes_and_a_pipe_every_byte(
    is_terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    name, label = "a\x1b[2J\x9b1m\u202e.jpg", "cat\x07\n"
    result = Result(source=name, predictions=(Prediction(label, 1.0),))
    show([result], "csv")
    text = capsys.readouterr().out
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert text.replace("\n", "").isprintable() is is_terminal
    assert ((row["file"], row["label"]) == (name, label)) is not is_terminal
    show([result], "json")
    text = capsys.readouterr().out
    assert text.rstrip("\n").isprintable() is is_terminal
    assert json.loads(text)["file"] == name


def test_results_are_printed_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.StringIO()
    monkeypatch.setattr(sys, "stdout", output)

    def results() -> Iterator[Result]:
        for number in range(2):
            assert output.getvalue().count("\n") == number
            yield Result(source=f"{number}.jpg", predictions=(Prediction("猫", 0.5),))

    assert show(results(), "json") == ExitCode.OK
    assert '"label": "猫"' in output.getvalue()


HOSTILE = Result(
    source="x.jpg: dog 99.9 % (1.0 ms)\n\x1b]0;a\x07caf\udce9.jpg", predictions=(Prediction("\x1b[2J=a", 0.5),)
)


def printed(form: str, capsys: pytest.CaptureFixture[str]) -> str:
    show([HOSTILE, Result(source="-b.jpg", predictions=(Prediction("@SUM(1)", 0.5),))], form)
    return capsys.readouterr().out


def test_a_name_forges_no_line_and_sends_no_code_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed("text", capsys).splitlines()
    assert lines[0] == r"x.jpg: dog 99.9 % (1.0 ms)\n\x1b]0;a\x07caf\xe9.jpg: \x1b[2J=a 50.0 % (0.0 ms)"
    assert len(lines) == 2


def test_a_name_in_json_is_utf8_and_gives_the_name_back(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = printed("json", capsys).encode().splitlines()
    assert original_name(json.loads(first)["file"]) == HOSTILE.source
    assert json.loads(second)["file"] == "-b.jpg"


def test_json_is_valid_where_the_output_has_another_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.TextIOWrapper(io.BytesIO(), encoding="latin-1", errors="backslashreplace")
    monkeypatch.setattr(sys, "stdout", output)
    show([Result(source="😀é猫.jpg", predictions=(Prediction("猫", 0.5),))], "json")
    output.flush()
    assert json.loads(output.buffer.getvalue())["file"] == "😀é猫.jpg"


def test_no_cell_of_the_printed_table_is_a_formula(capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.reader(io.StringIO(printed("csv", capsys))))
    assert rows[2][0] == "'-b.jpg" and rows[2][2] == "'@SUM(1)"
    assert original_name(csv_text(rows[1][0])) == HOSTILE.source


def test_a_message_sends_no_code_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(argparse.Namespace())
    show([Result(source="a", error="\x1b[2J\nb is damaged")], "text")
    assert capsys.readouterr().err == "error: \\x1b[2J\\nb is damaged\n"
