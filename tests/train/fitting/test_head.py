from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from temper.dataset.split import Example, Subset
from tests.train.fitting.tiny_fit import network, small_data
from train.fitting.feature_cache import FeatureCache, FeatureExtractor, Features, forward_of
from train.fitting.head import compute_features, feature_batches, fit_head, head_of

pytestmark = pytest.mark.tensorflow
COUNTS: dict[Subset, int] = {"train": 10, "val": 4}


def test_training_the_head_trains_the_layers_of_the_model_and_nothing_else(tmp_path: Path) -> None:
    model, data = network(), small_data(tmp_path, trainable="head", epochs=2, augmentation_passes=2)
    names = [(f"{index:064x}", subset) for subset, count in COUNTS.items() for index in range(count)]
    examples = [Example(path=Path(sha256), label="cat", subset=subset, sha256=sha256) for sha256, subset in names]
    data = replace(data, examples=examples)
    before = {layer.name: layer.get_weights() for layer in model.layers}
    extractor = FeatureExtractor(
        forward=forward_of(model), cache=FeatureCache(tmp_path), augmentation=data.config.augmentation
    )
    history = fit_head(model, data, compute_features(extractor, data))
    assert [len(values) for values in history.values()] == [2] * 4
    for layer in model.layers:
        changed = any(not np.array_equal(a, b) for a, b in zip(before[layer.name], layer.get_weights(), strict=True))
        assert changed == (layer.name in ("dense", "probabilities")), layer.name


def test_the_head_computes_the_probabilities_of_the_model(tmp_path: Path) -> None:
    model, pixels = network(), small_data(tmp_path).images["train"].pixels
    probabilities = head_of(model)(forward_of(model)(pixels), training=False).numpy()
    assert np.allclose(probabilities, model(pixels, training=False).numpy(), atol=1e-5)


def test_epochs_alternate_between_augmentation_passes(tmp_path: Path) -> None:
    config = small_data(tmp_path, batch=5).config
    features: Features = np.stack([np.zeros((5, 1)), np.ones((5, 1))]).astype(np.float32)
    batches = feature_batches(features, np.eye(5, dtype=np.float32), config)
    assert [float(next(batches)[0].mean()) for _ in range(4)] == [0, 1, 0, 1]
