"""A server in a process of its own, and requests whose predictions are known."""

import contextlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.support import ROOT, descendants, resident_mib

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

START_SECONDS = 120.0
STOP_SECONDS = 30.0
START = "from temper.cli.main import main; main()"
# Whose versions a report of a server names.
PACKAGES = ("onnxruntime", "openvino", "starlette", "uvicorn", "httptools", "tritonclient")


@dataclass(kw_only=True)
class RunningServer:
    """A server that runs. address: "127.0.0.1:41234". name: of its first model."""

    process: "subprocess.Popen[bytes]"
    address: str
    name: str

    def get(self, path: str) -> bytes:
        """The body of a response. Raises OSError when there is none, or one of another status than 200."""
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=10) as response:
            body: bytes = response.read()
        return body

    def is_ready(self) -> bool:
        """True when every model can predict."""
        try:
            return bool(self.get("/v2/health/ready"))
        except OSError:
            return False

    def wait_until_ready(self) -> None:
        """Raises RuntimeError when the server ends, or is not ready in time."""
        end = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("the server is not ready")
            time.sleep(0.05)

    def children(self) -> list[int]:
        """The processes that hold the runtimes."""
        return descendants(self.process.pid, "spawn_main")

    def resident_mib(self) -> float:
        """Resident memory of the server's own process in MiB."""
        return resident_mib(self.process.pid)

    def stop(self) -> float:
        """Send SIGTERM; returns the seconds until the server has ended. Raises RuntimeError for another exit code."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_SECONDS)
        if code:
            raise RuntimeError(f"the server ended with exit code {code}")
        return time.monotonic() - started


@contextlib.contextmanager
def running_server(artifact: Path, *options: str) -> Iterator[RunningServer]:
    """`temper serve` on a free port; its messages are shown when it fails."""
    from temper.artifact import Artifact

    # Before the server starts: a path that is no artifact must not leave a process.
    name = Artifact.at(artifact).model_name
    with tempfile.TemporaryFile() as log:
        port = free_port()
        words = [sys.executable, "-c", START, "serve", str(artifact), "--port", str(port), *options]
        process = subprocess.Popen(words, cwd=ROOT, stdout=log, stderr=log)
        server = RunningServer(process=process, address=f"127.0.0.1:{port}", name=name)
        try:
            server.wait_until_ready()
            yield server
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace"))
            raise
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(STOP_SECONDS)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens at."""
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def known_predictions(artifact: Path, count: int = 16) -> "tuple[NDArray[np.uint8], NDArray[np.float32]]":
    """Images [count, size, size, 3], and what the artifact predicts for each one alone [count, classes]."""
    import numpy as np

    from temper.artifact import Artifact
    from temper.reference import read_golden
    from temper.runners.load import open_runner

    opened = Artifact.at(artifact)
    golden = read_golden(opened)[0]
    random = np.random.default_rng(0)
    # The golden images, and noise on them: every request is another image.
    images = np.stack([golden[i % len(golden)] for i in range(count)])
    noise = random.integers(0, 16, images.shape, dtype=np.uint8)
    images = np.minimum(images, 239) + noise
    with open_runner(opened) as runner:
        return images, np.concatenate([runner.predict(images[i : i + 1]) for i in range(count)])
