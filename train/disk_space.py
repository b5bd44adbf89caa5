"""How much a training writes, estimated before it begins."""

import math
import tempfile
from pathlib import Path

from temper.storage.space import check_space
from train.config import TrainingConfig
from train.dataset.decode import MAX_MEMORY_BYTES

# Backbones without the layers on top, in millions of parameters; keras.Model.count_params, Keras 3.15.
MILLIONS_OF_PARAMETERS = {
    "resnet50": 23.6, "resnet101": 42.7, "efficientnetv2b0": 5.9, "efficientnetv2s": 20.3, "efficientnetlite0": 3.4,
    "efficientnetlite1": 4.2, "efficientnetlite2": 4.9, "mobilenetv2": 2.3, "mobilenetv3small": 0.9,
    "mobilenetv3large": 3.0, "convnexttiny": 27.8,
}  # fmt: skip
# Channels that the widest of them gives to the head.
MAX_FEATURES = 2048
FLOAT_BYTES = 4
# Charts with up to 40 images, lists of images, the model card.
SMALL_FILES_BYTES = 3_000_000
# Weights, two moments of the optimizer, the best weights; and the checkpoint before, until it is replaced.
CHECKPOINT_COPIES = 8


def check_disk_space(out: Path, config: TrainingConfig, n_images: int, teacher_size: int = 0) -> None:
    """Raise ResourceError where there is no space for what a training of so many images writes.

    teacher_size: height and width of the images of a teacher, which are decoded too; 0 without one.
    """
    needed = {out.parent: bytes_beside_model(config, n_images)}
    if mapped := bytes_of_mapped_arrays(config, n_images, teacher_size):
        needed[Path(tempfile.gettempdir())] = mapped
    check_space(needed, "the training")


def bytes_of_mapped_arrays(config: TrainingConfig, n_images: int, teacher_size: int = 0) -> int:
    """Arrays that are too large for memory, and are temporary files: decoded images, and features for the head."""
    arrays = [n_images * 3 * size**2 for size in {config.size, teacher_size}]
    if config.trainable == "head":
        # Of all augmentations, and of the originals, in which wrong labels are looked for.
        arrays += [n_images * passes * MAX_FEATURES * FLOAT_BYTES for passes in (config.augmentation_passes, 1)]
    return sum(each for each in arrays if each > MAX_MEMORY_BYTES)


def bytes_beside_model(config: TrainingConfig, n_images: int) -> int:
    """The model, and for a while a checkpoint or the features of all images."""
    weights = model_bytes(config)
    features = n_images * config.augmentation_passes * MAX_FEATURES * FLOAT_BYTES
    is_deep = config.trainable == "all" or config.fine_tune > 0
    work = (features if config.trainable == "head" else 0) + (CHECKPOINT_COPIES * weights if is_deep else 0)
    return weights + work + SMALL_FILES_BYTES


def model_bytes(config: TrainingConfig) -> int:
    """Of the weights in float32; those of an unknown backbone do not count."""
    backbone = MILLIONS_OF_PARAMETERS.get(config.backbone, 0.0) * 1_000_000
    return math.ceil(FLOAT_BYTES * (backbone + MAX_FEATURES * config.hidden_units))
