"""Random arrays of an EfficientNet-Lite with the names and shapes that PyTorch gives them."""

import numpy as np

from train.network.efficientnet_lite import IMAGENET_CLASSES, STEM_CHANNELS, TOP_CHANNELS, blocks
from train.network.torch_file import Arrays


def random_arrays(name: str, seed: int = 0) -> Arrays:
    """As if read from a file; activations keep about the same size from layer to layer."""
    random = np.random.default_rng(seed)
    arrays: Arrays = {}

    def convolution(part: str, norm: str, *shape: int) -> None:
        scale = np.sqrt(2 / np.prod(shape[1:]))
        arrays[f"{part}.weight"] = random.normal(0, scale, shape).astype(np.float32)
        for each, low, high in (
            ("weight", 0.8, 1.2),
            ("bias", 0, 0.5),
            ("running_mean", -0.1, 0.1),
            ("running_var", 0.8, 1.2),
        ):
            arrays[f"{norm}.{each}"] = random.uniform(low, high, shape[0]).astype(np.float32)
        arrays[f"{norm}.num_batches_tracked"] = np.array(1)

    convolution("_conv_stem", "_bn0", STEM_CHANNELS, 3, 3, 3)
    channels = STEM_CHANNELS
    for number, block in enumerate(blocks(name).values()):
        start, wide = f"_blocks.{number}.", channels * block.expansion
        if block.expansion > 1:
            convolution(f"{start}_expand_conv", f"{start}_bn0", wide, channels, 1, 1)
        convolution(f"{start}_depthwise_conv", f"{start}_bn1", wide, 1, block.kernel, block.kernel)
        convolution(f"{start}_project_conv", f"{start}_bn2", block.channels, wide, 1, 1)
        channels = block.channels
    convolution("_conv_head", "_bn1", TOP_CHANNELS, channels, 1, 1)
    arrays["_fc.weight"] = random.normal(0, 0.03, (IMAGENET_CLASSES, TOP_CHANNELS)).astype(np.float32)
    arrays["_fc.bias"] = np.zeros(IMAGENET_CLASSES, np.float32)
    return arrays
