from pathlib import Path

import numpy as np
import pytest

from experiments.nncf.measure import compile_network, predict, time_networks

pytest.importorskip("openvino", reason="OpenVINO is not installed: pip install openvino")


def test_networks_are_timed_in_blocks_and_give_the_same_probabilities_in_every_batch(made_bundle: Path) -> None:
    network = compile_network(made_bundle.with_name("model.fp32.onnx"), threads=1, precision="f32")
    size = network.input(0).partial_shape[1].get_length()
    images = np.random.default_rng(0).integers(0, 256, (9, size, size, 3), np.uint8)
    together, apart = predict(network, images), predict(network, images, batch=1)
    assert together.shape == apart.shape
    assert np.allclose(together, apart, atol=1e-5)
    timed = time_networks({"a": network, "b": network}, images, batch=2, rounds=2)
    for each in timed.values():
        assert len(each.wall_ms) == len(each.cpu_ms) == 2
        assert min(each.wall_ms + each.cpu_ms) > 0
