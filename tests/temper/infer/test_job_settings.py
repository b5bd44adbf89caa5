import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infer import run
from temper.errors import DataError, UsageError
from temper.infer.job_settings import JobSettings, check_settings
from temper.infer.sources import DEFAULT_FPS

SETTINGS = JobSettings(artifact="model.onnx", sha256="ab", top_k=1, threshold=None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    check_settings(tmp_path / "settings.json", SETTINGS, tmp_path / "rows.jsonl", "rows.jsonl")
    return tmp_path / "settings.json"


def check(path: Path, **changes: Any) -> None:
    check_settings(path, replace(SETTINGS, **changes), path.with_name("rows.jsonl"), "rows.jsonl")


def test_the_same_settings_and_another_name_of_the_artifact_are_accepted(path: Path) -> None:
    before = path.read_text()
    check(path)
    check(path, artifact="copy.onnx")
    assert path.read_text() == before


@pytest.mark.parametrize(
    "change", [{"sha256": "cd"}, {"top_k": 2}, {"threshold": 0.5}, {"fps": 2.0}, {"full_decode": True}]
)
def test_a_change_of_what_rows_depend_on_is_refused_by_its_name(path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"begun with model.onnx .*{next(iter(change))} was .*remove rows.jsonl"):
        check(path, **change)


@pytest.mark.parametrize("text", ["", "[]", "{", 100_000 * "["])
def test_a_damaged_file_is_an_error_and_stays(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(DataError, match="is damaged"):
        check(path)
    assert path.read_text() == text


def test_the_command_and_python_take_the_same_frames_of_a_video() -> None:
    assert run.parse(["--engine", "model.onnx", "a.mp4"]).fps == DEFAULT_FPS


def test_a_job_of_a_version_without_a_setting_goes_on_with_its_default(path: Path) -> None:
    fields = json.loads(path.read_text())
    del fields["full_decode"], fields["max_pixels"]
    path.write_text(json.dumps(fields))
    check(path)
    with pytest.raises(UsageError, match="full_decode was False, and is True"):
        check(path, full_decode=True)
