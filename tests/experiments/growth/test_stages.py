from pathlib import Path

import pytest

from experiments.growth.stages import measure, stages


def test_a_stage_is_measured_with_its_time_and_memory(tmp_path: Path) -> None:
    cost = measure(["-c", "x = bytes(50 << 20); sum(range(3_000_000))"], tmp_path)
    assert cost.mebibytes > 50
    assert 0 < cost.cpu < 60


def test_a_stage_that_fails_is_an_error_with_its_messages(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"exit code 3:\nwhy"):
        measure(["-c", "print('why'); raise SystemExit(3)"], tmp_path)


def test_the_stages_hand_on_their_results(tmp_path: Path) -> None:
    train, convert, classify = stages(tmp_path / "data", tmp_path, 64, "mobilenetv2", "none").values()
    assert train[train.index("--out") + 1] == convert[1] == str(tmp_path / "model.keras")
    assert convert[2] == classify[2] == str(tmp_path / "model.int8.onnx")
