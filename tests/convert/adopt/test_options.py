import pytest

from convert import run
from convert.adopt.options import parse_adopt


def test_adopt_is_a_command_of_convert() -> None:
    options = run.parse(["adopt", "net.onnx", "--data", "photos", "--labels", "cat,dog"])
    assert (str(options.original), options.labels, options.preprocessing, options.trust) == (
        "net.onnx", "cat,dog", None, False,
    )  # fmt: skip


def test_the_help_has_at_most_twelve_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_adopt(["--help"])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  -")]
    assert 8 <= len([line for line in lines if line.startswith("  --")]) <= 12


@pytest.mark.parametrize("words", [["net.onnx"], ["net.onnx", "--data", "d", "--layout", "CHWN"], ["--data", "d"]])
def test_what_is_missing_or_unknown_is_a_usage_error(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_adopt(words)
    assert ended.value.code == 2
