"""How the time of a search grows with images and labels, on drawn features of a known structure."""

from collections.abc import Iterator

import numpy as np

from experiments.suspects.planted import recover
from temper.cli.text import percent
from train.evaluation.confident_learning import Features, Indices

HEADINGS = ("images", "labels", "listed", "precision", "recall", "processor seconds")
# Channels of a ResNet50, and directions in which drawn features vary, each less than the one before.
CHANNELS, DIRECTIONS = 2048, 256


def draw_features(images: int, classes: int, seed: int) -> tuple[Features, Indices]:
    """Positive, correlated features [n, CHANNELS] of classes that overlap little, and their labels."""
    random = np.random.default_rng(seed)
    labels = np.arange(images) % classes
    scale = (1 / np.sqrt(1 + np.arange(DIRECTIONS))).astype(np.float32)
    centers = random.standard_normal((classes, DIRECTIONS), np.float32)
    values = (centers[labels] + random.standard_normal((images, DIRECTIONS), np.float32)) * scale
    features = values @ random.standard_normal((DIRECTIONS, CHANNELS), np.float32) / 4
    features += 0.3 * random.standard_normal(features.shape, np.float32)
    return np.maximum(features, 0, out=features), labels


def cost_rows(sizes: list[int], classes: list[int], fraction: float) -> Iterator[tuple[str, ...]]:
    """A row of the table for each number of images and labels."""
    for images in sizes:
        for labels in classes:
            features, truth = draw_features(images, labels, seed=0)
            result = recover(features, truth, [str(index) for index in range(images)], fraction, 0)
            cells = (percent(result.hits / max(1, result.listed)), percent(result.hits / result.planted))
            yield (f"{images:,}", f"{labels:,}", f"{result.listed:,}", *cells, f"{result.seconds:.1f}")
