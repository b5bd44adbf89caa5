"""Augmentation: one affine resampling of each image, reproducible from a seed."""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from train.config import Augmentation


def draw_transforms(
    augmentation: Augmentation, count: int, size: int, random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw `count` augmentations: projective transforms [n, 8] from output to input pixels, brightness factors [n].

    Rotation, shear, zoom, shift and flip are one transform, so that an image is resampled once, not five times.
    """

    def symmetric(width: float) -> NDArray[np.float64]:
        return random.uniform(-width, width, count)

    angle = np.radians(symmetric(augmentation.rotation))
    shear = symmetric(augmentation.shear)
    zoom_x, zoom_y = 1 + random.uniform(-augmentation.zoom, augmentation.zoom, (2, count))
    shift = np.stack([symmetric(augmentation.shift) * size, symmetric(augmentation.shift) * size])
    mirror = np.where(random.random(count) < 0.5 * augmentation.flip, -1.0, 1.0)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    scaling = np.array([[zoom_x * mirror, shear], [np.zeros(count), zoom_y]])
    linear = np.einsum("ijn,jkn->ikn", rotation, scaling)
    # x -> linear (x - center) + center + shift
    center = (size - 1) / 2
    offset = center + shift - linear.sum(axis=1) * center
    rows = [*linear[0], offset[0], *linear[1], offset[1], np.zeros(count), np.zeros(count)]
    brightness = 1 + symmetric(augmentation.brightness)
    return np.stack(rows, axis=1).astype(np.float32), brightness.astype(np.float32)


def rescale_transforms(transforms: NDArray[np.float32], size: int, other: int) -> NDArray[np.float32]:
    """The same views of images of another size: transforms [n, 8], drawn for `size`, for `other` pixels."""
    if other == size:
        return transforms
    # Centers of pixels: x becomes ratio x + start.
    ratio, start = other / size, (other / size - 1) / 2
    rescaled: NDArray[np.float32] = transforms.copy()
    for offset in (2, 5):
        linear = transforms[:, offset - 2 : offset].sum(axis=1)
        rescaled[:, offset] = ratio * transforms[:, offset] + start * (1 - linear)
    return rescaled


def apply_transforms(images: tf.Tensor, transforms: tf.Tensor, brightness: tf.Tensor) -> tf.Tensor:
    """Resample images, uint8 [n, s, s, 3], bilinearly; outside pixels repeat the nearest one. Returns uint8 again."""
    resampled = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(images, tf.float32),
        transforms=transforms,
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
    scaled = resampled * brightness[:, None, None, None]
    return tf.cast(tf.round(tf.clip_by_value(scaled, 0.0, 255.0)), tf.uint8)
