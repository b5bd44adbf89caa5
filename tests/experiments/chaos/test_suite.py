import json

import pytest

from experiments.chaos.suite import parse, run


@pytest.mark.programs
@pytest.mark.parametrize("words", [["--count", "4"], ["--with-fault", "--count", "40"]])
def test_the_record_is_printed_and_failures_give_exit_code_1(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "unchanged")
    code = run(parse(["full disks", *words]))
    record = json.loads(capsys.readouterr().out)
    assert (record["lost"] > 0) is bool(code) is ("--with-fault" in words)
    assert record["more"]["peak MiB"] > 0
