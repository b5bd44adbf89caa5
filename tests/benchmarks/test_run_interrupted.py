"""Ctrl-C while the benchmark works in several processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from temper.exit_codes import ExitCode
from tests.benchmarks.test_run import COMMAND

pytestmark = pytest.mark.programs


@pytest.mark.parametrize("step", ["opening cases", "latency rounds"])
def test_ctrl_c_ends_every_process_in_silence(made_bundle: Path, tmp_path: Path, step: str) -> None:
    """`step`: of the progress that is shown before Ctrl-C, which reaches all processes of the terminal."""
    command = [
        sys.executable,
        str(COMMAND),
        str(made_bundle.with_name("model.fp32.onnx")),
        "--seconds",
        "60" if step == "opening cases" else "0.5",
    ]
    command += ["--quick", "--out", str(tmp_path / "out")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stderr
        for line in process.stderr:
            if line.startswith(step):
                break
        os.killpg(process.pid, signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == ExitCode.INTERRUPTED
    assert "Traceback" not in rest and "Error" not in rest
    assert rest.splitlines()[-1] == "stopped."
    assert not (tmp_path / "out").exists()
    # Python's resource tracker ends a moment later.
    with pytest.raises(ProcessLookupError):
        for _ in range(50):
            os.killpg(process.pid, 0)
            time.sleep(0.1)
