"""Features of a frozen backbone: computed once for each image and augmentation, and stored on disk.

A cache is a folder of chunks, each a structured array that is written atomically and mapped into memory. An interrupted
run leaves its finished chunks, and runs that work at the same time cannot corrupt each other's.
"""

import io
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from temper.cli.progress import ProgressCallback, no_progress
from temper.dataset.split import Example
from temper.storage.atomic import atomic_write
from train.config import NO_AUGMENTATION, Augmentation
from train.dataset.augmentation import apply_transforms, draw_transforms
from train.dataset.decode import allocate
from train.network.fold_batchnorm import fold_batch_norms

STEP = "computing features (images)"
CHUNK_IMAGES = 256
BATCH = 64

Features = NDArray[np.float32]
# An image's SHA-256 and the index of its augmentation: 0 is the original image.
Key = tuple[str, int]
Forward = Callable[[tf.Tensor], Features]


@dataclass(frozen=True)
class FeatureCache:
    """Features by key, in a folder whose name identifies everything else that they depend on."""

    folder: Path

    def get(self, keys: list[Key]) -> dict[Key, Features]:
        """The features [d] of those keys that are stored, mapped into memory."""
        wanted = {key: b"%s/%d" % (key[0].encode(), key[1]) for key in keys}
        stored: dict[bytes, Features] = {}
        for chunk in sorted(self.folder.glob("*.npy")):
            rows = np.load(chunk, mmap_mode="r", allow_pickle=False)
            # Rows of a plain array, which is mapped all the same: each row of a np.memmap takes a kilobyte.
            stored.update(zip(rows["key"].tolist(), np.asarray(rows["features"]), strict=True))
        return {key: stored[name] for key, name in wanted.items() if name in stored}

    def add(self, keys: list[Key], features: Features) -> None:
        """Store the features [n, d] of n keys as one more chunk."""
        rows = np.empty(len(keys), [("key", "S80"), ("features", np.float32, features.shape[1:])])
        rows["key"] = [f"{sha256}/{index}".encode() for sha256, index in keys]
        rows["features"] = features
        content = io.BytesIO()
        np.save(content, rows)
        with atomic_write(self.folder / f"{uuid.uuid4().hex}.npy") as path:
            # Through memory: numpy's own way to a file hides why a write failed, such as a full disk.
            path.write_bytes(content.getbuffer())


@dataclass(frozen=True, kw_only=True)
class FeatureExtractor:
    """Computes features, except for those that the cache has.

    forward: from `forward_of`. step: what the progress shows.
    """

    forward: Forward
    cache: FeatureCache
    augmentation: Augmentation
    progress: ProgressCallback = no_progress
    step: str = STEP

    def extract(self, pixels: NDArray[np.uint8], examples: list[Example], passes: int) -> Features:
        """Features, float32 [passes, n, d], of images [n, s, s, 3]: the originals, then augmented ones.

        An array that does not fit into memory is mapped from a file.
        """
        keys = [(each.sha256, index) for index in range(passes) for each in examples]
        stored = self.cache.get(keys)
        missing = list(dict.fromkeys(key for key in keys if key not in stored))
        rows = {each.sha256: index for index, each in enumerate(examples)}
        total = len(stored) + len(missing)
        if missing:
            self.progress(self.step, len(stored), total)
        for start in range(0, len(missing), CHUNK_IMAGES):
            chunk = missing[start : start + CHUNK_IMAGES]
            batches = [chunk[at : at + BATCH] for at in range(0, len(chunk), BATCH)]
            computed = [self.forward(self._augment(pixels[[rows[k[0]] for k in batch]], batch)) for batch in batches]
            self.cache.add(chunk, np.concatenate(computed))
            self.progress(self.step, len(stored) + start + len(chunk), total)
        stored = self.cache.get(keys) if missing else stored
        features = allocate((len(keys), *stored[keys[0]].shape), np.dtype(np.float32))
        for row, key in zip(features, keys, strict=True):
            row[:] = stored[key]
        return features.reshape(passes, len(examples), -1)

    def _augment(self, images: NDArray[np.uint8], keys: list[Key]) -> tf.Tensor:
        if not any(index for _, index in keys):
            return tf.convert_to_tensor(images)
        drawn = list(self._draw(keys, images.shape[1]))
        return apply_transforms(images, np.concatenate([d[0] for d in drawn]), np.concatenate([d[1] for d in drawn]))

    def _draw(self, keys: list[Key], size: int) -> Iterator[tuple[NDArray[np.float32], ...]]:
        for sha256, index in keys:
            # Seeded by the image itself: its augmentations do not depend on which other images there are.
            random = np.random.default_rng((int(sha256, 16), index))
            yield draw_transforms(self.augmentation if index else NO_AUGMENTATION, 1, size, random)


def forward_of(model: keras.Model) -> Forward:
    """A function, traced once, from images [n, s, s, 3] to the features that a model's head reads, [n, d]."""
    backbone = fold_batch_norms(keras.Model(model.inputs, model.get_layer("features").output))
    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8)]
    # AutoGraph would need as long to read Keras' code as the trace itself.
    call = tf.function(lambda images: backbone(images, training=False), input_signature=signature, autograph=False)
    return lambda images: np.asarray(call(images), dtype=np.float32)
