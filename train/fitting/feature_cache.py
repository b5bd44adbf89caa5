"""Features of a frozen backbone: computed once for each image and augmentation, and stored on disk.

A cache is a folder of chunks, each a structured array that is written atomically and mapped into memory. An interrupted
run leaves its finished chunks, and runs that work at the same time cannot corrupt each other's.
"""

import io
import uuid
from collections.abc import Callable, Iterable, Iterator
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


def name_of(key: Key) -> bytes:
    """How a chunk stores a key."""
    return b"%s/%d" % (key[0].encode(), key[1])


@dataclass(frozen=True)
class FeatureCache:
    """Features by key, in a folder whose name identifies everything else that they depend on."""

    folder: Path

    def stored(self, keys: Iterable[Key]) -> set[Key]:
        """Which of the keys are stored."""
        names = {name_of(key): key for key in keys}
        return {names[name] for rows in self._chunks() for name in rows["key"].tolist() if name in names}

    def read(self, keys: list[Key]) -> Features:
        """The features [n, d] of n keys; a large array is mapped from a file. Raises KeyError."""
        # Of equal keys, the last one; the others get a copy.
        places = {name_of(key): place for place, key in enumerate(keys)}
        copies = [(place, last) for place, key in enumerate(keys) if (last := places[name_of(key)]) != place]
        features = np.empty((0, 0), np.float32)
        for rows in self._chunks():
            pairs = [(places.pop(name), row) for row, name in enumerate(rows["key"].tolist()) if name in places]
            if pairs:
                if not features.size:
                    features = allocate((len(keys), *rows["features"].shape[1:]), np.dtype(np.float32))
                into, at = zip(*pairs, strict=True)
                features[list(into)] = rows["features"][list(at)]
        if places:
            raise KeyError(next(iter(places)))
        for place, last in copies:
            features[place] = features[last]
        return features

    def _chunks(self) -> Iterator[NDArray[np.void]]:
        for chunk in sorted(self.folder.glob("*.npy")):
            yield np.load(chunk, mmap_mode="r", allow_pickle=False)

    def add(self, keys: list[Key], features: Features) -> None:
        """Store the features [n, d] of n keys as one more chunk."""
        rows = np.empty(len(keys), [("key", "S80"), ("features", np.float32, features.shape[1:])])
        rows["key"] = [name_of(key) for key in keys]
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
        # Equal images have equal features.
        different = dict.fromkeys(keys)
        stored = self.cache.stored(different)
        missing = [key for key in different if key not in stored]
        rows = {each.sha256: index for index, each in enumerate(examples)}
        if missing:
            self.progress(self.step, len(stored), len(different))
        for start in range(0, len(missing), CHUNK_IMAGES):
            chunk = missing[start : start + CHUNK_IMAGES]
            batches = [chunk[at : at + BATCH] for at in range(0, len(chunk), BATCH)]
            computed = [self.forward(self._augment(pixels[[rows[k[0]] for k in batch]], batch)) for batch in batches]
            self.cache.add(chunk, np.concatenate(computed))
            self.progress(self.step, len(stored) + start + len(chunk), len(different))
        return self.cache.read(keys).reshape(passes, len(examples), -1)

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
