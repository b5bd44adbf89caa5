import contextlib
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from temper.errors import ResourceError
from temper.serve.server import bound_socket
from temper.serve.settings import Settings
from temper.serve.workers.copies import PREFIX
from temper.storage.atomic import SCRATCH_SUFFIX
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


def test_the_parts_of_a_response_are_sent_at_once() -> None:
    with bound_socket(Settings(port=0)) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_an_address_that_is_taken_is_an_error() -> None:
    with bound_socket(Settings(port=0)) as listener:
        listener.listen()
        with pytest.raises(ResourceError, match="cannot be used"):
            bound_socket(Settings(port=listener.getsockname()[1]))


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".local"])
def test_an_address_that_cannot_exist_is_an_error(host: str) -> None:
    with pytest.raises(ResourceError, match=r"cannot be used .*Name another --host"):
        bound_socket(Settings(host=host, port=0))


def test_the_start_says_which_url_serves_what(onnx: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with serving(onnx, host="0.0.0.0") as server:
        assert f"http://0.0.0.0:{server.port}/v2/models/model: {onnx} (ONNX Runtime" in caplog.text
    assert "other machines can send requests" in caplog.text


@pytest.mark.programs
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_all_processes_answers_what_was_accepted_and_leaves_nothing(
    onnx: Path, tmp_path: Path, stop: int
) -> None:
    process = started(onnx, tmp_path, "--max-wait-ms", "700")
    assert process.stderr
    line = process.stderr.readline()
    (port,) = re.findall(r"127.0.0.1:(\d+)/v2/models/model: ", line)
    with ThreadPoolExecutor(1) as pool:
        image = (onnx.parent / "images" / "red" / "red000.png").read_bytes()
        url = f"http://127.0.0.1:{port}/v2/models/model/classify"
        reply = pool.submit(lambda: urllib.request.urlopen(url, image, timeout=10).status)
        time.sleep(0.3)
        began = time.monotonic()
        os.killpg(process.pid, stop)
        assert reply.result() == 200
    assert process.wait(10) == 0
    assert time.monotonic() - began < 5
    messages = process.stderr.read()
    assert messages.endswith("stopped\n") and "has ended" not in messages and "Traceback" not in messages
    # Python's own resource tracker ends a moment later.
    wait_for(lambda: not living(process.pid))
    assert not copies(tmp_path)


@pytest.mark.programs
def test_a_signal_while_the_first_model_is_loaded_ends_the_command(onnx: Path, tmp_path: Path) -> None:
    process = started(onnx, tmp_path)
    assert process.stderr
    wait_for(lambda: bool(copies(tmp_path)))
    process.terminate()
    assert process.wait(10) == 0
    assert process.stderr.read().splitlines()[-1] == "stopped"
    wait_for(lambda: not living(process.pid))
    assert not copies(tmp_path)


def started(artifact: Path, temporary: Path, *options: str) -> "subprocess.Popen[str]":
    """The command in a process group of its own, with a folder for its temporary files."""
    code = "from temper.cli.main import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "serve", str(artifact), "--port", "0", *options],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)},
        start_new_session=True,
    )


def copies(temporary: Path) -> list[Path]:
    return list(temporary.rglob(f".{PREFIX}.*{SCRATCH_SUFFIX}"))


def living(group: int) -> list[str]:
    """The processes of a process group that have not ended."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, _, its_group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            if its_group == str(group) and state != "Z":
                found.append((folder / "cmdline").read_bytes().decode())
    return found
