"""Augmentation: one affine resampling a picture, repeatable from a seed."""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from train.config import Augmentation

Matrices = NDArray[np.float64]


def draw_transforms(
    augmentation: Augmentation, count: int, size: int, random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw `count` changes: projective transforms [n, 8] from output to input pixels, and brightness factors [n].

    Rotation, shear, zoom, shift and flip are one matrix, so that a picture is resampled once, not five times.
    """

    def either_side(width: float) -> NDArray[np.float64]:
        return random.uniform(-width, width, count)

    turn = np.radians(either_side(augmentation.rotation))
    shear, zoom_x, zoom_y = either_side(augmentation.shear), *_zooms(augmentation, count, random)
    shift_x, shift_y = either_side(augmentation.shift) * size, either_side(augmentation.shift) * size
    mirror = np.where(random.random(count) < 0.5 * augmentation.flip, -1.0, 1.0)
    middle = np.full(count, (size - 1) / 2)
    matrix = (
        _matrix(tx=middle + shift_x, ty=middle + shift_y)
        @ _matrix(np.cos(turn), -np.sin(turn), np.sin(turn), np.cos(turn))
        @ _matrix(zoom_x * mirror, shear, np.zeros(count), zoom_y)
        @ _matrix(tx=-middle, ty=-middle)
    )
    brightness = 1 + either_side(augmentation.brightness)
    return matrix.reshape(count, 9)[:, :8].astype(np.float32), brightness.astype(np.float32)


def apply_transforms(images: tf.Tensor, transforms: tf.Tensor, brightness: tf.Tensor) -> tf.Tensor:
    """Resample pictures, uint8 [n, s, s, 3], bilinearly, outside filled with the nearest pixel; uint8 again."""
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(images, tf.float32),
        transforms=transforms,
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
    lit = moved * brightness[:, None, None, None]
    return tf.cast(tf.round(tf.clip_by_value(lit, 0.0, 255.0)), tf.uint8)


def _zooms(augmentation: Augmentation, count: int, random: np.random.Generator) -> tuple[Matrices, Matrices]:
    zoom_x, zoom_y = 1 + random.uniform(-augmentation.zoom, augmentation.zoom, (2, count))
    return zoom_x, zoom_y


def _matrix(
    a: Matrices | float = 1.0,
    b: Matrices | float = 0.0,
    c: Matrices | float = 0.0,
    d: Matrices | float = 1.0,
    tx: Matrices | float = 0.0,
    ty: Matrices | float = 0.0,
) -> Matrices:
    """Stack 3 x 3 matrices [[a, b, tx], [c, d, ty], [0, 0, 1]], [n, 3, 3]."""
    rows = np.broadcast_arrays(a, b, tx, c, d, ty, 0.0, 0.0, 1.0)
    return np.stack(rows, axis=-1).reshape(*rows[0].shape, 3, 3)
