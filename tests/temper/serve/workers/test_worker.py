import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from temper.artifact import Artifact
from temper.errors import ArtifactError, UserError
from temper.serve.workers import worker as module
from temper.serve.workers.worker import Worker
from tests.source import ROOT
from tests.temper.serve.serving import noise, predicted, run_apart, wait_for

ORPHAN = """
import asyncio, os, sys, time
from temper.artifact import Artifact
from temper.serve.workers.worker import Worker
async def main():
    worker = Worker(Artifact.at(sys.argv[1]), 2)
    await worker.wait_until_ready()
    print(worker.pid, flush=True)
    os.kill(os.getpid(), 9)
if __name__ == "__main__":
    asyncio.run(main())
"""


def test_batches_are_predicted_in_the_child_and_stop_ends_it(onnx: Path) -> None:
    async def scenario() -> None:
        worker = Worker(Artifact.at(onnx), 4)
        assert (await worker.wait_until_ready()).runtime.startswith("ONNX Runtime")
        result: asyncio.Future[np.ndarray] = asyncio.get_running_loop().create_future()
        worker.on_result = lambda slot, n, probabilities, seconds: result.set_result(probabilities.copy())
        images = noise(3)
        worker.send([images[:1], images[1:]], [time.monotonic() + 9] * 3)
        np.testing.assert_allclose(await result, predicted(onnx, images), atol=1e-5)
        await worker.stop()
        assert not Path(f"/proc/{worker.pid}").exists()

    run_apart(scenario())


def test_the_end_of_the_child_and_a_hanging_child_are_noticed(onnx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HANG_SECONDS", 0.2)

    async def scenario() -> None:
        for stop, reason in ((signal.SIGKILL, "SIGKILL"), (signal.SIGSTOP, "it did not respond for 0 s")):
            worker = Worker(Artifact.at(onnx), 4)
            await worker.wait_until_ready()
            ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            worker.on_exit = ended.set_result
            os.kill(worker.pid, stop)
            worker.send([noise(1)], [time.monotonic() + 9])
            assert await asyncio.wait_for(ended, 5) == reason

    run_apart(scenario())


def test_an_artifact_that_cannot_be_loaded_is_an_error(onnx: Path, tmp_path: Path) -> None:
    path = tmp_path / onnx.name
    path.write_bytes(b"damaged")
    Path(f"{path}.json").write_bytes(Path(f"{onnx}.json").read_bytes())

    async def scenario() -> None:
        worker = Worker(Artifact.at(path), 4)
        with pytest.raises(UserError, match="is not the file that its card describes"):
            await worker.wait_until_ready()

    run_apart(scenario())


def test_a_process_that_is_killed_while_it_loads_is_an_error_with_a_remedy(onnx: Path) -> None:
    async def scenario() -> None:
        worker = Worker(Artifact.at(onnx), 4)
        os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises(ArtifactError, match=r"loads model\.fp32\.onnx ended \(SIGKILL\)\. Close other programs"):
            await worker.wait_until_ready()

    run_apart(scenario())


@pytest.mark.programs
def test_the_child_ends_with_a_parent_that_is_killed(onnx: Path, tmp_path: Path) -> None:
    program = tmp_path / "parent.py"
    program.write_text(ORPHAN)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, program, str(onnx)], capture_output=True, text=True, env=environment)
    child = int(done.stdout)
    wait_for(lambda: not Path(f"/proc/{child}").exists() or " Z " in Path(f"/proc/{child}/stat").read_text())
