"""What a frozen backbone makes of pictures, computed once for each picture and augmentation, and kept on disk.

A store is a folder of chunks, each a structured array that is written whole and mapped into memory: an interrupted
run keeps its finished chunks, and runs side by side cannot harm each other.
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

from temper.dataset.split import Example
from temper.storage.atomic import atomic_write
from train.config import Augmentation, Say
from train.dataset.augmentation import apply_transforms, draw_transforms
from train.dataset.split import room
from train.network.fold_batchnorm import fold_batch_norms

CHUNK_PICTURES = 256
BATCH = 64

Features = NDArray[np.float32]
# A picture's SHA-256 and which augmentation of it: 0 is the picture as it is.
Key = tuple[str, int]
Forward = Callable[[tf.Tensor], Features]


@dataclass(frozen=True)
class Store:
    """Features by key, in a folder named for all they depend on besides the key."""

    folder: Path

    def find(self, keys: list[Key]) -> dict[Key, Features]:
        """Those of the keys that are there, with their features [d], mapped into memory."""
        wanted = {key: b"%s/%d" % (key[0].encode(), key[1]) for key in keys}
        found: dict[bytes, Features] = {}
        for chunk in sorted(self.folder.glob("*.npy")):
            rows = np.load(chunk, mmap_mode="r", allow_pickle=False)
            found.update(zip(rows["key"].tolist(), rows["features"], strict=True))
        return {key: found[name] for key, name in wanted.items() if name in found}

    def add(self, keys: list[Key], features: Features) -> None:
        """Keep the features [n, d] of n keys as one more chunk."""
        rows = np.empty(len(keys), [("key", "S80"), ("features", np.float32, features.shape[1:])])
        rows["key"] = [f"{sha256}/{turn}".encode() for sha256, turn in keys]
        rows["features"] = features
        whole = io.BytesIO()
        np.save(whole, rows)
        with atomic_write(self.folder / f"{uuid.uuid4().hex}.npy") as path:
            # Through memory: numpy's own way to a file hides why a write failed, a full disk among it.
            path.write_bytes(whole.getbuffer())


def features_of(model: keras.Model) -> Forward:
    """A function, traced once, from pictures [n, s, s, 3] to the features a model's head reads, [n, d]."""
    backbone = fold_batch_norms(keras.Model(model.inputs, model.get_layer("features").output))
    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8)]
    # Reading Keras' code with AutoGraph would take as long as the trace.
    call = tf.function(lambda images: backbone(images, training=False), input_signature=signature, autograph=False)
    return lambda images: np.asarray(call(images), dtype=np.float32)


def extract(
    forward: Forward,
    pixels: NDArray[np.uint8],
    examples: list[Example],
    turns: range,
    augmentation: Augmentation,
    store: Store,
    say: Say,
) -> Features:
    """Features, float32 [len(turns), n, d], of pictures [n, s, s, 3] under each of their augmentations.

    forward: from `features_of`.
    What the store has is not computed again; what outgrows memory is mapped from a file. `say` is told how far it is.
    """
    keys = [(each.sha256, turn) for turn in turns for each in examples]
    known = store.find(keys)
    missing = list(dict.fromkeys(key for key in keys if key not in known))
    rows = {each.sha256: index for index, each in enumerate(examples)}
    for start in range(0, len(missing), CHUNK_PICTURES):
        part = missing[start : start + CHUNK_PICTURES]
        batches = [part[at : at + BATCH] for at in range(0, len(part), BATCH)]
        found = [forward(_changed(pixels[[rows[k[0]] for k in batch]], batch, augmentation)) for batch in batches]
        store.add(part, np.concatenate(found))
        say("features", len(known) + start + len(part), len(keys))
    known = store.find(keys) if missing else known
    whole = room((len(keys), *known[keys[0]].shape), np.dtype(np.float32))
    for row, key in zip(whole, keys, strict=True):
        row[:] = known[key]
    return whole.reshape(len(turns), len(examples), -1)


def _changed(images: NDArray[np.uint8], keys: list[Key], augmentation: Augmentation) -> tf.Tensor:
    if not any(turn for _, turn in keys):
        return tf.convert_to_tensor(images)
    size = images.shape[1]
    drawn = list(_draws(keys, augmentation, size))
    return apply_transforms(images, np.concatenate([d[0] for d in drawn]), np.concatenate([d[1] for d in drawn]))


def _draws(keys: list[Key], augmentation: Augmentation, size: int) -> Iterator[tuple[NDArray[np.float32], ...]]:
    nothing = Augmentation(0, 0, 0, 0, 0, flip=False)
    for sha256, turn in keys:
        # Seeded by the picture itself: its augmentations do not depend on which others there are.
        random = np.random.default_rng((int(sha256, 16), turn))
        yield draw_transforms(augmentation if turn else nothing, 1, size, random)
