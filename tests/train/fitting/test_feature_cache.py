import tracemalloc
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from temper.cli.progress import ProgressCallback
from temper.dataset.split import Example
from train.config import Augmentation
from train.fitting.feature_cache import FeatureCache, FeatureExtractor, forward_of
from train.network.build import build_model

pytestmark = pytest.mark.tensorflow
EXAMPLES = [
    Example(path=Path(f"{index}.png"), label="cat", subset="train", sha256=f"{index:064x}") for index in range(5)
]


@pytest.fixture(scope="module")
def model(tiny_backbone: keras.Model) -> keras.Model:
    return build_model(2, 32, hidden_units=0, backbone="tiny")


@pytest.fixture
def pixels() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 255, (5, 32, 32, 3), dtype=np.uint8)


def extractor(model: keras.Model, folder: Path, progress: ProgressCallback) -> FeatureExtractor:
    return FeatureExtractor(
        forward=forward_of(model), cache=FeatureCache(folder), augmentation=Augmentation(), progress=progress
    )


def extract(
    model: keras.Model, pixels: NDArray[np.uint8], folder: Path, passes: int, examples: list[Example] = EXAMPLES
) -> tuple[NDArray[np.float32], list[tuple[int, int]]]:
    """The features, and the progress that was reported."""
    calls: list[tuple[int, int]] = []
    features = extractor(model, folder, lambda _, *call: calls.append(call)).extract(pixels, examples, passes)
    return features, calls


def test_the_first_pass_has_the_original_images_and_later_ones_are_augmented(
    model: keras.Model, pixels: NDArray[np.uint8], tmp_path: Path
) -> None:
    features, _ = extract(model, pixels, tmp_path, passes=2)
    expected = keras.Model(model.inputs, model.get_layer("features").output)(pixels, training=False).numpy()
    assert features.shape == (2, 5, 16)
    assert np.allclose(features[0], expected, rtol=1e-4, atol=1e-5)
    assert not np.allclose(features[1], expected, rtol=1e-2)


def test_only_features_that_are_not_stored_are_computed(
    model: keras.Model, pixels: NDArray[np.uint8], tmp_path: Path
) -> None:
    first, calls = extract(model, pixels[:3], tmp_path, 2, EXAMPLES[:3])
    assert calls == [(0, 6), (6, 6)]
    more, calls = extract(model, pixels, tmp_path, 2)
    assert calls == [(6, 10), (10, 10)]
    assert len(list(tmp_path.glob("*.npy"))) == 2
    assert np.array_equal(more[:, :3], first)
    again, calls = extract(model, pixels, tmp_path, 2)
    assert calls == []
    assert np.array_equal(again, more)


def test_stored_features_are_read_in_the_order_of_the_keys_with_little_memory_beside_them(tmp_path: Path) -> None:
    keys = [(f"{index:064x}", 0) for index in range(512)]
    cache, features = FeatureCache(tmp_path), np.arange(512 * 2048, dtype=np.float32).reshape(512, 2048)
    for start in range(0, 512, 32):
        cache.add(keys[start : start + 32], features[start : start + 32])
    assert cache.stored([*keys[3:5], ("0" * 64, 1)]) == set(keys[3:5])
    tracemalloc.start()
    rows = cache.read(keys[::-1])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # A row of features has eight kilobytes.
    assert (peak - features.nbytes) / len(keys) < 1000
    assert np.array_equal(rows, features[::-1])


def test_features_that_are_not_stored_cannot_be_read(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)
    cache.add([("a", 0)], np.ones((1, 3), np.float32))
    with pytest.raises(KeyError, match="a/1"):
        cache.read([("a", 0), ("a", 1)])


def test_an_interrupted_run_leaves_complete_chunks_and_its_continuation_is_equal(
    model: keras.Model, pixels: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uninterrupted, _ = extract(model, pixels, tmp_path / "uninterrupted", passes=2)
    monkeypatch.setattr("train.fitting.feature_cache.CHUNK_IMAGES", 4)

    def stop(_: str, done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    folder = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        extractor(model, folder, stop).extract(pixels, EXAMPLES, 2)
    (folder / ".killed.npy.scratch").mkdir()
    features, calls = extract(model, pixels, folder, passes=2)
    assert calls == [(4, 10), (8, 10), (10, 10)]
    assert np.allclose(features, uninterrupted, rtol=1e-4, atol=1e-5)


def test_equal_images_are_computed_once(model: keras.Model, pixels: NDArray[np.uint8], tmp_path: Path) -> None:
    pixels[1] = pixels[0]
    features, calls = extract(model, pixels[:2], tmp_path, 1, [EXAMPLES[0], EXAMPLES[0]])
    assert calls == [(0, 1), (1, 1)]
    assert np.array_equal(features[0, 0], features[0, 1])


def test_features_of_equal_images_that_do_not_fit_into_memory_are_mapped_too(
    model: keras.Model, pixels: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = [EXAMPLES[0], EXAMPLES[1], EXAMPLES[0]]
    expected, _ = extract(model, pixels[:3], tmp_path, 2, examples)
    monkeypatch.setattr("train.dataset.decode.MAX_MEMORY_BYTES", 0)
    features, _ = extract(model, pixels[:3], tmp_path, 2, examples)
    assert isinstance(features, np.memmap)
    # A copy in memory of a mapped array has its type, and no file.
    assert features._mmap is not None  # type: ignore[attr-defined]
    assert np.array_equal(features, expected) and np.array_equal(features[:, 0], features[:, 2])


def test_a_full_disk_is_reported_and_leaves_complete_chunks(
    model: keras.Model, pixels: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = extract(model, pixels[:3], tmp_path, 1, EXAMPLES[:3])

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        extract(model, pixels, tmp_path, 1)
    assert len(list(tmp_path.iterdir())) == 1
    assert np.array_equal(extract(model, pixels[:3], tmp_path, 1, EXAMPLES[:3])[0], first)
