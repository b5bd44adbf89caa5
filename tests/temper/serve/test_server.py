import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from temper.errors import ResourceError, UsageError
from temper.serve.server import bound_socket, make_server
from temper.serve.settings import Settings
from tests.source import ROOT
from tests.temper.serve.serving import Reply, noise, serving, wait_for


def test_accepted_requests_are_answered_when_the_server_stops(onnx: Path) -> None:
    replies: list[Reply] = []
    with serving(onnx, max_wait_ms=300.0) as server:
        threads = [threading.Thread(target=lambda: replies.append(server.infer(noise(1)))) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.15)
        server.server.should_exit = True
        for thread in threads:
            thread.join()
    assert [each.status for each in replies] == [200] * 4


def test_an_address_that_is_taken_is_an_error() -> None:
    with bound_socket(Settings(port=0)) as listener:
        listener.listen()
        with pytest.raises(ResourceError, match="cannot be used"):
            bound_socket(Settings(port=listener.getsockname()[1]))


def test_a_certificate_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "certificate").write_text("none")
    with pytest.raises(UsageError, match="the certificate"):
        make_server({}, Settings(certfile=tmp_path / "certificate"))


def test_the_start_says_which_url_serves_what(onnx: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with serving(onnx, host="0.0.0.0") as server:
        assert f"http://0.0.0.0:{server.port}/v2/models/model: {onnx} (ONNX Runtime" in caplog.text
    assert "other machines can send requests" in caplog.text


@pytest.mark.programs
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_command_with_exit_code_0_and_leaves_no_process(onnx: Path, stop: int) -> None:
    code = "from temper.cli.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "serve", str(onnx), "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    assert process.stderr
    assert "/v2/models/model: " in process.stderr.readline()
    started = time.monotonic()
    os.killpg(process.pid, stop)
    assert process.wait(10) == 0
    assert time.monotonic() - started < 5
    assert process.stderr.read().endswith("stopped\n")
    # Python's own resource tracker ends a moment later.
    wait_for(lambda: not living(process.pid))


def living(group: int) -> list[str]:
    """The processes of a process group that have not ended."""
    found = subprocess.run(["ps", "-eo", "pgid=,stat=,args="], capture_output=True, text=True).stdout.splitlines()
    return [line for line in found if line.split()[0] == str(group) and not line.split()[1].startswith("Z")]
