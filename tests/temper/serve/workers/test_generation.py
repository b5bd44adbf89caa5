import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from temper.artifact import Artifact
from temper.errors import ArtifactError
from temper.serve.workers import generation
from temper.serve.workers.generation import copy_artifact
from temper.serve.workers.worker import Worker
from temper.trust.keys import own_key
from temper.trust.policy import authenticate
from temper.trust.signature import sign
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


def test_a_process_that_cannot_be_started_is_tried_again(onnx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_copy_is_complete_and_checked(onnx: Path, tmp_path: Path) -> None:
    copied = copy_artifact(onnx, tmp_path)
    assert {each.name for each in tmp_path.iterdir()} >= {onnx.name, f"{onnx.name}.json"}
    assert copied.card.golden and (tmp_path / copied.card.golden.file).is_file()
    with pytest.raises(ArtifactError):
        copy_artifact(tmp_path / "none.onnx", tmp_path)


def test_an_unknown_program_is_not_copied_and_a_signature_is(
    onnx: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (onnx, onnx.with_name(f"{onnx.name}.json")):
        (tmp_path / path.name.replace(".onnx", ".plan")).write_bytes(path.read_bytes())
    plan = Artifact.at(tmp_path / "model.fp32.plan")
    (tmp_path / "copy").mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with pytest.raises(ArtifactError, match=f"{plan.path} can run any code on this machine"):
        copy_artifact(plan.path, tmp_path / "copy")
    assert not list((tmp_path / "copy").iterdir())
    sign(plan, own_key())
    assert authenticate(copy_artifact(plan.path, tmp_path / "copy"))
