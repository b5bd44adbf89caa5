import json
import os

import pytest

from experiments.chaos.suite import own_folders, parse, run


@pytest.mark.programs
@pytest.mark.parametrize("words", [["--count", "4"], ["--with-fault", "--count", "40"]])
def test_the_record_is_printed_and_failures_give_exit_code_1(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "unchanged")
    code = run(parse(["full disks", *words]))
    record = json.loads(capsys.readouterr().out)
    assert (record["lost"] > 0) is bool(code) is ("--with-fault" in words)
    assert record["more"]["peak MiB"] > 0
    assert os.environ["XDG_STATE_HOME"] == "unchanged"


def test_commands_use_no_folder_of_the_user() -> None:
    assert set(own_folders("/x")) == {"XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "PYTHONUNBUFFERED"}
