from pathlib import Path

import pytest

from experiments.growth.stages import measure, stages


def test_a_stage_is_measured_with_its_time_and_memory(tmp_path: Path) -> None:
    cost = measure(["-c", "x = b'1' * (50 << 20); sum(range(3_000_000)); import time; time.sleep(0.2)"], tmp_path)
    assert 50 < cost.mebibytes < cost.with_files
    assert 0 < cost.cpu < 60


def test_the_memory_of_children_counts(tmp_path: Path) -> None:
    child = "x = b'1' * (50 << 20); import time; time.sleep(0.3)"
    cost = measure(["-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"], tmp_path)
    assert cost.mebibytes > 50


def test_mapped_files_count_apart(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(50 << 20))
    code = (
        f"import mmap, time; f = open({str(file)!r}, 'r+b'); m = mmap.mmap(f.fileno(), 0); m[::4096]; time.sleep(0.2)"
    )
    cost = measure(["-c", code], tmp_path)
    assert cost.mebibytes < 40
    assert cost.with_files > 50


def test_a_stage_that_fails_is_an_error_with_its_messages(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"exit code 3:\nwhy"):
        measure(["-c", "print('why'); raise SystemExit(3)"], tmp_path)


def test_the_stages_hand_on_their_results(tmp_path: Path) -> None:
    train, convert, classify = stages(tmp_path / "data", tmp_path, 64, "mobilenetv2", "none").values()
    assert train[train.index("--out") + 1] == convert[1] == str(tmp_path / "model.keras")
    assert convert[2] == classify[2] == str(tmp_path / "model.int8.onnx")
