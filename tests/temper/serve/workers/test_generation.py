import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from temper.artifact import Artifact
from temper.card import LatencyBudget, read_card, write_card
from temper.errors import ArtifactError
from temper.runners.base import CPU_BATCH
from temper.serve.workers import generation
from temper.serve.workers.generation import usable_budget
from temper.serve.workers.worker import Worker
from temper.system.host import describe_host
from tests.temper.serve.serving import Reply, noise, predicted, serving, values, wait_for


def test_a_killed_process_is_started_again_and_no_prediction_is_wrong(onnx: Path) -> None:
    with serving(onnx) as server:
        images, replies, stop = noise(2), list[Reply](), threading.Event()

        def ask() -> None:
            while not stop.is_set():
                replies.append(server.infer(images))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(2):
            worker = server.model.generation._worker
            assert worker
            worker.kill()
            wait_for(lambda worker=worker: server.model.generation._worker not in (None, worker))  # type: ignore[misc]
        stop.set()
        for thread in threads:
            thread.join()
        assert {each.status for each in replies} <= {200, 503}
        assert all("retry-after" in each.headers for each in replies if each.status == 503)
        for each in replies:
            if each.status == 200:
                np.testing.assert_allclose(values(each), predicted(onnx, images), atol=1e-5)
        assert 'temper_child_restarts_total{model="model"} 2.0' in server.get("/metrics").body.decode()


def test_a_process_that_cannot_be_started_is_tried_again_and_the_log_says_why(
    onnx: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(onnx) as server:
        starts = 0

        def fail_once(*arguments: Any) -> Worker:
            nonlocal starts
            starts += 1
            if starts == 1:
                # What the start of a process raises that is killed meanwhile.
                raise BrokenPipeError
            return Worker(*arguments)

        monkeypatch.setattr(generation, "Worker", fail_once)
        worker = server.model.generation._worker
        assert worker
        worker.kill()
        wait_for(lambda: server.model.generation._worker not in (None, worker))
        assert server.infer(noise(1)).status == 200
        assert starts == 2
    assert f"{onnx} cannot be loaded again: BrokenPipeError" in caplog.text


def test_an_error_names_the_artifact_and_not_its_copy(onnx: Path, tmp_path: Path) -> None:
    path = tmp_path / onnx.name
    shutil.copy(onnx, path)
    shutil.copy(f"{onnx}.json", tmp_path)
    with pytest.raises(ArtifactError, match=f"^{path} has no golden predictions beside it"), serving(path):
        pass


def test_a_remedy_names_the_artifact_and_not_its_copy(onnx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, folder: Path) -> Artifact:
        copied = folder / source.name
        raise ArtifactError(f"{copied} is not signed", fix=f"temper sign {copied}")

    monkeypatch.setattr(generation, "copy_artifact", refuse)
    with pytest.raises(ArtifactError) as caught, serving(onnx):
        pass
    assert str(caught.value) == f"{onnx} is not signed. temper sign {onnx}"


RUNTIME = f"ONNX Runtime {ort.__version__}"


def budget(**changes: Any) -> LatencyBudget:
    host = describe_host()
    fields = {"processor": host.processor, "cores": host.cores, "device": "CPU", "runtime": RUNTIME}
    return LatencyBudget(
        **{"limit_ms": 50, "max_batch": 3, "images_per_second": 100, "p99_ms": 40, **fields, **changes}
    )


def with_budget(onnx: Path, folder: Path, **changes: Any) -> Path:
    """A copy of an artifact with a latency budget in its card."""
    for file in (onnx, Path(f"{onnx}.json"), *onnx.parent.glob("model.golden.*.npz")):
        shutil.copy(file, folder)
    own = folder / onnx.name
    write_card(own, read_card(own).changed(latency_budget=budget(**changes)))
    return own


def test_the_latency_budget_of_the_card_decides_how_batches_are_made(onnx: Path, tmp_path: Path) -> None:
    own = with_budget(onnx, tmp_path)
    with serving(own) as server:
        batching = server.model.generation.batcher.batching
        assert (batching.max_batch, batching.max_latency) == (3, 0.05)
        # The rate that a limit allows is not how long an image takes: nothing is known before the first batch.
        assert server.model.generation.batcher.estimated_wait(100) == 0
        assert server.infer(noise(1)).status == 200
    with serving(own, max_batch=5) as server:
        batching = server.model.generation.batcher.batching
        assert (batching.max_batch, batching.max_latency) == (5, float("inf"))


def test_a_latency_budget_of_another_machine_is_not_used(caplog: pytest.LogCaptureFixture) -> None:
    assert usable_budget(None, "model.onnx") is None
    assert usable_budget(budget(), "model.onnx") == budget()
    assert usable_budget(budget(cores=4096), "model.onnx") is None
    assert "measured on another machine" in caplog.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"device": "NVIDIA L4"}, f"was measured on NVIDIA L4 with {RUNTIME} and is not used on CPU with {RUNTIME}"),
        ({"runtime": "ONNX Runtime 1.22.0"}, f"on CPU with ONNX Runtime 1.22.0 and is not used on CPU with {RUNTIME}"),
    ],
)
def test_nothing_of_a_latency_budget_of_another_device_or_runtime_is_used(
    onnx: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, changes: dict[str, str], words: str
) -> None:
    with serving(with_budget(onnx, tmp_path, **changes)) as server:
        batching = server.model.generation.batcher.batching
        assert (batching.max_batch, batching.max_latency) == (CPU_BATCH, float("inf"))
        assert server.model.generation.budget is None
        # More images in a call than the limit allowed: the memory of the process is large enough.
        assert server.infer(noise(CPU_BATCH)).status == 200
    assert words in caplog.text
