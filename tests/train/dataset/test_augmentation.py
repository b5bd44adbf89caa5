from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from train.config import NO_AUGMENTATION, Augmentation
from train.dataset.augmentation import apply_transforms, draw_transforms, rescale_transforms

pytestmark = pytest.mark.tensorflow


def augment(augmentation: Augmentation, images: NDArray[np.uint8], seed: int = 0) -> NDArray[np.uint8]:
    drawn = draw_transforms(augmentation, len(images), images.shape[1], np.random.default_rng(seed))
    result: NDArray[np.uint8] = apply_transforms(images, *drawn).numpy()
    return result


@pytest.fixture
def images() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 255, (16, 12, 12, 3), dtype=np.uint8)


def test_no_augmentation_changes_no_pixel(images: NDArray[np.uint8]) -> None:
    assert np.array_equal(augment(NO_AUGMENTATION, images), images)


def test_equal_seeds_augment_equally_and_other_seeds_do_not(images: NDArray[np.uint8]) -> None:
    first = augment(Augmentation(), images, seed=1)
    assert first.dtype == np.uint8
    assert np.array_equal(first, augment(Augmentation(), images, seed=1))
    assert not np.array_equal(first, augment(Augmentation(), images, seed=2))


def test_a_flip_mirrors_about_half_of_the_images(images: NDArray[np.uint8]) -> None:
    flipped = augment(replace(NO_AUGMENTATION, flip=True), images)
    same = [np.array_equal(a, b) for a, b in zip(flipped, images, strict=True)]
    mirrored = [np.array_equal(a, b[:, ::-1]) for a, b in zip(flipped, images, strict=True)]
    assert all(a != b for a, b in zip(same, mirrored, strict=True))
    assert 3 <= sum(mirrored) <= 13


def test_a_rotation_of_90_degrees_is_exact(images: NDArray[np.uint8]) -> None:
    class Maximum(np.random.Generator):
        def uniform(self, low: float = 0, high: float = 1, size: object = None) -> NDArray[np.float64]:  # type: ignore[override]
            return np.full(size, high)  # type: ignore[call-overload, no-any-return]

    drawn = draw_transforms(replace(NO_AUGMENTATION, rotation=90.0), 16, 12, Maximum(np.random.PCG64(0)))
    rotated = apply_transforms(images, *drawn).numpy()
    assert any(np.array_equal(rotated, np.rot90(images, quarters, (1, 2))) for quarters in (1, -1))


def test_pixels_outside_the_image_repeat_the_nearest_pixel() -> None:
    halves = np.zeros((8, 10, 10, 3), np.uint8)
    halves[:, :, 5:] = 200
    shifted = augment(replace(NO_AUGMENTATION, shift=0.3), halves)
    assert (shifted[:, :, 0] == 0).all()
    assert (shifted[:, :, -1] == 200).all()


@pytest.mark.parametrize("other", [5, 12, 40])
def test_rescaled_transforms_are_those_that_are_drawn_for_the_other_size(other: int) -> None:
    drawn, expected = (draw_transforms(Augmentation(), 50, size, np.random.default_rng(0))[0] for size in (12, other))
    assert np.allclose(rescale_transforms(drawn, 12, other), expected, atol=1e-4)
    assert other == 12 or not np.allclose(drawn, expected, atol=0.1)


def test_brightness_stays_within_its_fraction() -> None:
    gray = np.full((64, 6, 6, 3), 100, np.uint8)
    changed = augment(replace(NO_AUGMENTATION, brightness=0.2), gray)
    assert changed.min() >= 80
    assert changed.max() <= 120
    assert np.ptp(changed[:, 0, 0, 0]) > 20
