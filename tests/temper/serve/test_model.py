import shutil
from pathlib import Path

import numpy as np
import pytest

from temper.artifact import Artifact
from temper.card import write_card
from temper.trust.keys import own_key
from temper.trust.signature import sign
from tests import tiny
from tests.temper.serve.serving import Running, noise, predicted, serving, values, wait_for


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another tiny classifier, of other images."""
    return tiny.bundle(tmp_path_factory.mktemp("second"), each=30).with_name("model.fp32.onnx")


def copy(source: Path, target: Path) -> None:
    """Copy an artifact with its card and golden predictions over another, one file after the other."""
    for file in source.parent.glob("model.golden.*"):
        shutil.copy(file, target.parent)
    shutil.copy(source, target)
    shutil.copy(f"{source}.json", f"{target}.json")


def swaps(server: Running, result: str) -> bool:
    return f'temper_swaps_total{{model="model",result="{result}"}} 1.0' in server.get("/metrics").body.decode()


def test_a_new_artifact_replaces_the_former_one_between_two_requests(onnx: Path, second: Path, tmp_path: Path) -> None:
    served, images = tmp_path / "model.fp32.onnx", noise(3)
    copy(onnx, served)
    with serving(served) as server:
        np.testing.assert_allclose(values(server.infer(images)), predicted(onnx, images), atol=1e-5)
        copy(second, served)
        expected = [predicted(onnx, images), predicted(second, images)]
        while not swaps(server, "swapped"):
            given = values(server.infer(images))
            assert min(np.abs(given - each).max() for each in expected) < 1e-5
        np.testing.assert_allclose(values(server.infer(images)), expected[1], atol=1e-5)
        assert server.get("/v2/models/model/card").json["sha256"] == Artifact.at(second).card.sha256


def test_an_artifact_that_fails_its_self_test_is_refused_and_a_restart_loads_the_former_one(
    onnx: Path, second: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    served, images = tmp_path / "model.fp32.onnx", noise(3)
    copy(onnx, served)
    with serving(served) as server:
        golden = Artifact.at(onnx).card.golden
        shutil.copy(second, served)
        # Its golden predictions are those of the other classifier.
        write_card(served, Artifact.at(second).card.changed(golden=golden))
        wait_for(lambda: swaps(server, "refused"))
        assert "the new artifact is refused, and the former one is still served" in caplog.text
        assert "failed its self-test" in caplog.text
        worker = server.model.generation._worker
        assert worker
        worker.kill()
        wait_for(lambda: server.model.generation._worker not in (None, worker))
        np.testing.assert_allclose(values(server.infer(images)), predicted(onnx, images), atol=1e-5)


def test_where_signatures_are_required_a_new_artifact_is_served_once_it_is_signed(
    onnx: Path, second: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TEMPER_REQUIRE_SIGNATURE", "1")
    served = tmp_path / "model.fp32.onnx"
    copy(onnx, served)
    sign(Artifact.at(served), own_key())
    with serving(served) as server:
        copy(second, served)
        wait_for(lambda: swaps(server, "refused"))
        assert f"{served}.json was changed or replaced after model.fp32.onnx.sig was made" in caplog.text
        sign(Artifact.at(served), own_key())
        wait_for(lambda: swaps(server, "swapped"))
