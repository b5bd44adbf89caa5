from pathlib import Path

import numpy as np
import pytest

from experiments.serving.running import free_port, known_predictions, running_server
from tests.temper.serve.serving import predicted


def test_predictions_are_known_for_different_images(made_bundle: Path) -> None:
    onnx = made_bundle.with_name("model.fp32.onnx")
    images, known = known_predictions(onnx, 4)
    assert len({image.tobytes() for image in images}) == 4
    np.testing.assert_allclose(known, predicted(onnx, images), atol=1e-5)


@pytest.mark.programs
def test_a_server_runs_as_long_as_the_block(made_bundle: Path) -> None:
    with running_server(made_bundle.with_name("model.fp32.onnx")) as server:
        assert server.is_ready() and server.name == "model"
        assert len(server.children()) == 1
        assert server.resident_mib() > 1
        assert server.stop() < 5
        assert not server.is_ready()


def test_a_free_port_is_free() -> None:
    assert 1024 < free_port() < 65536
