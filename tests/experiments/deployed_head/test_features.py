from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from experiments.deployed_head.features import Extracted, cosines, cut, extract


def test_every_batch_goes_through_all_runtimes_and_the_order_of_images_stays() -> None:
    pixels = np.arange(70, dtype=np.uint8).reshape(70, 1, 1, 1)
    found = extract({name: lambda images: images[:, 0, 0].astype(np.float32) for name in "ab"}, pixels)
    for each in found.values():
        assert each.features[:, 0].tolist() == list(range(70))
        assert len(each.cpu_ms) == 3


def test_a_network_is_cut_at_its_features(made_bundle: Path) -> None:
    content = made_bundle.with_name("model.fp32.onnx").read_bytes()
    whole, part = (onnxruntime.InferenceSession(each) for each in (content, cut(content)))
    (features,) = part.get_outputs()
    assert features.shape[-1] > whole.get_outputs()[0].shape[-1]
    size = part.get_inputs()[0].shape[1]
    (values,) = part.run(None, {part.get_inputs()[0].name: np.zeros((2, size, size, 3), np.uint8)})
    assert values.shape == (2, features.shape[-1])


def test_equal_features_have_a_cosine_of_one() -> None:
    features = np.array([[1, 2], [3, 0]], np.float32)
    assert list(cosines(features, 2 * features)) == pytest.approx([1, 1])
    assert list(cosines(features[:, ::-1], features)) == pytest.approx([0.8, 0])
    assert Extracted(forward=lambda images: features, batches=[features, features]).features.shape == (4, 2)
