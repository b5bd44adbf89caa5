from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from temper.dataset.split import Example
from train.config import Augmentation, TrainingConfig
from train.fitting.feature_cache import Store, extract, features_of
from train.network.build import build_model

pytestmark = pytest.mark.tensorflow
EXAMPLES = [Example(Path(f"{index}.png"), "cat", "train", f"{index:064x}") for index in range(5)]


@pytest.fixture(scope="module")
def model(tiny_backbone: keras.Model) -> keras.Model:
    return build_model(2, 32, dense=0, backbone="tiny")


@pytest.fixture
def pixels() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 255, (5, 32, 32, 3), dtype=np.uint8)


def made(
    model: keras.Model, pixels: NDArray[np.uint8], folder: Path, turns: int, examples: list[Example] = EXAMPLES
) -> tuple[NDArray[np.float32], list[tuple[int, int]]]:
    said: list[tuple[int, int]] = []
    found = extract(
        features_of(model),
        pixels,
        examples,
        range(turns),
        Augmentation(),
        Store(folder),
        lambda _, *told: said.append(told),
    )
    return found, said


def test_the_first_turn_is_the_picture_as_it_is_and_later_ones_are_changed(
    model: keras.Model, pixels: NDArray[np.uint8], tmp_path: Path
) -> None:
    found, _ = made(model, pixels, tmp_path, turns=2)
    expected = keras.Model(model.inputs, model.get_layer("features").output)(pixels, training=False).numpy()
    assert found.shape == (2, 5, 16)
    assert np.allclose(found[0], expected, rtol=1e-4, atol=1e-5)
    assert not np.allclose(found[1], expected, rtol=1e-2)


def test_what_is_kept_is_not_computed_again_and_new_pictures_are(
    model: keras.Model, pixels: NDArray[np.uint8], tmp_path: Path
) -> None:
    first, said = made(model, pixels[:3], tmp_path, 2, EXAMPLES[:3])
    assert said == [(6, 6)]
    more, said = made(model, pixels, tmp_path, 2)
    assert said == [(10, 10)]
    assert len(list(tmp_path.glob("*.npy"))) == 2
    assert np.array_equal(more[:, :3], first)
    again, said = made(model, pixels, tmp_path, 2)
    assert said == []
    assert np.array_equal(again, more)


def test_interrupted_work_keeps_whole_chunks_and_ends_equal(
    model: keras.Model, pixels: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = made(model, pixels, tmp_path / "whole", turns=2)
    monkeypatch.setattr("train.fitting.feature_cache.CHUNK_PICTURES", 4)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    store = Store(tmp_path / "stopped")
    with pytest.raises(KeyboardInterrupt):
        extract(features_of(model), pixels, EXAMPLES, range(2), Augmentation(), store, stop)
    (store.folder / ".killed.npy.unfinished").mkdir()
    found, said = made(model, pixels, store.folder, turns=2)
    assert said[0] == (8, 10)
    assert np.allclose(found, whole, rtol=1e-4, atol=1e-5)


def test_equal_pictures_are_computed_once(model: keras.Model, pixels: NDArray[np.uint8], tmp_path: Path) -> None:
    pixels[1] = pixels[0]
    found, said = made(model, pixels[:2], tmp_path, 1, [EXAMPLES[0], EXAMPLES[0]])
    assert said == [(1, 2)]
    assert np.array_equal(found[0, 0], found[0, 1])


def test_a_full_disk_says_so_and_leaves_finished_chunks(
    model: keras.Model, pixels: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = made(model, pixels[:3], tmp_path, 1, EXAMPLES[:3])

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("temper.storage.atomic.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        made(model, pixels, tmp_path, 1)
    assert len(list(tmp_path.iterdir())) == 1
    assert np.array_equal(made(model, pixels[:3], tmp_path, 1, EXAMPLES[:3])[0], first)


def test_features_of_another_dtype_library_or_backbone_are_others() -> None:
    recipe = TrainingConfig("file", "head", 32, 2, 8, 1e-3)
    keys = {
        recipe.features_key("float32", {"keras": "3.1"}),
        recipe.features_key("mixed_bfloat16", {"keras": "3.1"}),
        recipe.features_key("float32", {"keras": "3.2"}),
        TrainingConfig("file", "head", 32, 2, 8, 1e-3, backbone="mobilenetv2").features_key(
            "float32", {"keras": "3.1"}
        ),
    }
    assert len(keys) == 4
    assert TrainingConfig("file", "head", 32, 9, 8, 1.0).features_key("float32", {"keras": "3.1"}) in keys
