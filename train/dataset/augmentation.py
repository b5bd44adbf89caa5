"""Augmentation: one affine resampling of each image, reproducible from a seed."""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from train.config import Augmentation

Matrices = NDArray[np.float64]


def draw_transforms(
    augmentation: Augmentation, count: int, size: int, random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw `count` augmentations: projective transforms [n, 8] from output to input pixels, brightness factors [n].

    Rotation, shear, zoom, shift and flip are one matrix, so that an image is resampled once, not five times.
    """

    def symmetric(width: float) -> NDArray[np.float64]:
        return random.uniform(-width, width, count)

    angle = np.radians(symmetric(augmentation.rotation))
    shear, zoom_x, zoom_y = symmetric(augmentation.shear), *_zooms(augmentation, count, random)
    shift_x, shift_y = symmetric(augmentation.shift) * size, symmetric(augmentation.shift) * size
    mirror = np.where(random.random(count) < 0.5 * augmentation.flip, -1.0, 1.0)
    center = np.full(count, (size - 1) / 2)
    matrix = (
        _translation(center + shift_x, center + shift_y)
        @ _linear(np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle))
        @ _linear(zoom_x * mirror, shear, np.zeros(count), zoom_y)
        @ _translation(-center, -center)
    )
    brightness = 1 + symmetric(augmentation.brightness)
    return matrix.reshape(count, 9)[:, :8].astype(np.float32), brightness.astype(np.float32)


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


def _zooms(augmentation: Augmentation, count: int, random: np.random.Generator) -> tuple[Matrices, Matrices]:
    zoom_x, zoom_y = 1 + random.uniform(-augmentation.zoom, augmentation.zoom, (2, count))
    return zoom_x, zoom_y


def _translation(x: Matrices, y: Matrices) -> Matrices:
    """Stack matrices [[1, 0, x], [0, 1, y], [0, 0, 1]], [n, 3, 3]."""
    matrices = np.tile(np.eye(3), (len(x), 1, 1))
    matrices[:, 0, 2], matrices[:, 1, 2] = x, y
    return matrices


def _linear(a: Matrices, b: Matrices, c: Matrices, d: Matrices) -> Matrices:
    """Stack matrices [[a, b, 0], [c, d, 0], [0, 0, 1]], [n, 3, 3]."""
    matrices = np.tile(np.eye(3), (len(a), 1, 1))
    matrices[:, 0, 0], matrices[:, 0, 1], matrices[:, 1, 0], matrices[:, 1, 1] = a, b, c, d
    return matrices
