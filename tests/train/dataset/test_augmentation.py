import numpy as np
import pytest
from numpy.typing import NDArray

from train.config import Augmentation
from train.dataset.augmentation import apply_transforms, draw_transforms

pytestmark = pytest.mark.tensorflow
NOTHING = Augmentation(0, 0, 0, 0, 0, flip=False)


def changed(augmentation: Augmentation, images: NDArray[np.uint8], seed: int = 0) -> NDArray[np.uint8]:
    drawn = draw_transforms(augmentation, len(images), images.shape[1], np.random.default_rng(seed))
    result: NDArray[np.uint8] = apply_transforms(images, *drawn).numpy()
    return result


@pytest.fixture
def images() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 255, (16, 12, 12, 3), dtype=np.uint8)


def test_no_augmentation_changes_no_pixel(images: NDArray[np.uint8]) -> None:
    assert np.array_equal(changed(NOTHING, images), images)


def test_equal_seeds_change_alike_and_other_seeds_otherwise(images: NDArray[np.uint8]) -> None:
    first = changed(Augmentation(), images, seed=1)
    assert first.dtype == np.uint8
    assert np.array_equal(first, changed(Augmentation(), images, seed=1))
    assert not np.array_equal(first, changed(Augmentation(), images, seed=2))


def test_a_flip_mirrors_about_half_of_the_pictures(images: NDArray[np.uint8]) -> None:
    found = changed(Augmentation(0, 0, 0, 0, 0, flip=True), images)
    same = [np.array_equal(a, b) for a, b in zip(found, images, strict=True)]
    mirrored = [np.array_equal(a, b[:, ::-1]) for a, b in zip(found, images, strict=True)]
    assert all(a != b for a, b in zip(same, mirrored, strict=True))
    assert 3 <= sum(mirrored) <= 13


def test_a_quarter_turn_is_a_quarter_turn(images: NDArray[np.uint8]) -> None:
    class Quarter(np.random.Generator):
        def uniform(self, low: float = 0, high: float = 1, size: object = None) -> NDArray[np.float64]:  # type: ignore[override]
            return np.full(size, high)  # type: ignore[call-overload, no-any-return]

    drawn = draw_transforms(Augmentation(90, 0, 0, 0, 0, False), 16, 12, Quarter(np.random.PCG64(0)))
    turned = apply_transforms(images, *drawn).numpy()
    assert np.array_equal(turned, np.rot90(images, axes=(1, 2))) or np.array_equal(turned, np.rot90(images, -1, (1, 2)))


def test_what_lies_outside_is_filled_with_the_nearest_pixel() -> None:
    halves = np.zeros((8, 10, 10, 3), np.uint8)
    halves[:, :, 5:] = 200
    moved = changed(Augmentation(0, 0, 0.3, 0, 0, flip=False), halves)
    assert (moved[:, :, 0] == 0).all()
    assert (moved[:, :, -1] == 200).all()


def test_brightness_stays_within_its_share() -> None:
    grey = np.full((64, 6, 6, 3), 100, np.uint8)
    lit = changed(Augmentation(0, 0, 0, 0, 0.2, flip=False), grey)
    assert lit.min() >= 80
    assert lit.max() <= 120
    assert np.ptp(lit[:, 0, 0, 0]) > 20
