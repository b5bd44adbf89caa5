import os
from pathlib import Path

import pytest

from experiments.triton.compare import parse, run
from temper.errors import UsageError
from tests.experiments.triton.test_server import ENVIRONMENT


def test_another_format_is_refused_before_a_server_is_started(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no ONNX file"):
        run(parse([str(bundle), str(tmp_path), "--environment", str(tmp_path / "environment")]))
    assert not (tmp_path / "environment").exists()


@pytest.mark.slow
@pytest.mark.programs
def test_both_servers_give_equal_predictions(bundle: Path, tmp_path: Path) -> None:
    if not os.environ.get(ENVIRONMENT):
        pytest.skip(f"{ENVIRONMENT} names no folder for Triton's environment; see experiments/triton/server.py --help")
    out = tmp_path / "triton.md"
    words = [bundle.with_name("model.fp32.onnx"), bundle.parent / "images", "--environment", os.environ[ENVIRONMENT]]
    words += ["--requests", 20, "--clients", 4, "--rounds", 1, "--seconds", 1, "--out", out]
    run(parse([str(word) for word in words]))
    rows = [line.split(" | ") for line in out.read_text().splitlines() if "HTTP |" in line or "gRPC |" in line]
    assert [(row[1], row[2]) for row in rows] == [("20", "0")] * 4
