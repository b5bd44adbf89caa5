from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from temper.dataset.split import Example, Subset
from tests.train.fitting.tiny_fit import network, small_data
from train.fitting.checkpoint import History
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


def solved(folder: Path, features: Features, targets: Features, **changes: Any) -> tuple[Any, History]:
    """The head that lbfgs finds for features [passes, n, 8], which validate it too, and its history."""
    model, data = network(hidden_units=0), small_data(folder, trainable="head", head="lbfgs", **changes)
    images = {name: replace(each, targets=targets) for name, each in data.images.items()}
    history = fit_head(model, replace(data, images=images), {"train": features, "val": features[:1]})
    return head_of(model), history


def separable(passes: int, labels: list[int], width: int) -> tuple[Features, Features]:
    """Features that show the label in each pass, beside noise; and the targets."""
    targets = np.eye(2, dtype=np.float32)[labels]
    features = np.random.default_rng(0).normal(0, 0.1, (passes, len(labels), width)).astype(np.float32)
    features[:, :, :2] += 5 * targets
    return features, targets


def test_the_optimum_of_several_passes_gives_each_version_of_an_image_its_own_label(tmp_path: Path) -> None:
    width = head_of(network(hidden_units=0)).input_shape[1]
    features, targets = separable(2, [0, 1, 1, 0, 1, 0, 0], width)
    _, history = solved(tmp_path, features, targets)
    assert history["accuracy"] == history["val_accuracy"] == [1.0]


def test_the_optimum_weighs_labels_as_configured(tmp_path: Path) -> None:
    width = head_of(network(hidden_units=0)).input_shape[1]
    features, targets = separable(1, [0] * 9 + [1] * 3, width)
    # Nothing shows the label but their frequencies.
    features[:] = 0
    for class_weights, expected in (("none", 0.75), ("balanced", 0.5)):
        head, _ = solved(tmp_path, features, targets, class_weights=class_weights)
        assert float(head(features[0][:1])[0, 0]) == pytest.approx(expected, abs=0.01)


def test_each_pass_has_the_predictions_of_the_teacher_for_its_own_images(tmp_path: Path) -> None:
    config = small_data(tmp_path, batch=5).config
    teacher: Features = np.stack([np.full((5, 5), 0.2), np.eye(5)]).astype(np.float32)
    targets = np.eye(5, dtype=np.float32)
    batches = feature_batches(np.zeros((2, 5, 1), np.float32), targets, config, teacher)
    for predictions in (teacher[0], teacher[1], teacher[0]):
        learned = np.asarray(next(batches)[1])
        order = learned[:, :5].argmax(1)
        assert np.array_equal(learned[:, 5:], predictions[order])
