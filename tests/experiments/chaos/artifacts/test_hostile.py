from pathlib import Path

import pytest

from experiments.chaos.artifacts import hostile
from temper.runners import base, onnxruntime


def test_every_hostile_file_is_refused_and_takes_little_memory(tmp_path: Path) -> None:
    counts = hostile.run(len(hostile.ATTACKS), 0, tmp_path)
    assert (counts["refused"], counts["examples"]) == (len(hostile.ATTACKS), [])
    assert counts["peak_mib"] < 512


def test_without_the_checks_the_suite_notices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "check_predictions", lambda *_: None)
    monkeypatch.setattr(onnxruntime, "check_onnx", lambda *_: None)
    monkeypatch.setattr(hostile, "ATTACKS", (hostile.logits, hostile.not_a_number))
    assert hostile.run(2, 0, tmp_path)["silent"] == 2
