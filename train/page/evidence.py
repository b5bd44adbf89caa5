"""Which places of an image speak for a label: class activation (Zhou et al., 2016), which is exact for our heads.

The features are the mean of the backbone's last maps over their places. Behind them, a head without a hidden layer is
linear, and one with a hidden layer is linear once it is known which of its units are active for the image (ReLU). A
logit is therefore a sum over places, and a rest that is the same for all places. Where there is no hidden layer, the
rest is the bias alone. The positive part of the map is that of Grad-CAM (Selvaraju et al., 2017).
"""

from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Images at a time: activations of all layers are in memory.
BATCH = 4
# How much of the color covers the image in the place that speaks most for the label.
MAX_OPACITY = 0.75
HEAT_COLOR = (255, 60, 0)

Maps = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Head:
    """The weights behind the pooled features: of the last layer, and of the hidden one if there is one.

    kernel [units or features, classes], bias [classes], hidden: kernel [features, units] and bias [units].
    """

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]
    hidden: tuple[NDArray[np.float32], NDArray[np.float32]] | None

    @classmethod
    def of(cls, model: keras.Model) -> "Head":
        """The head of a model that `train.network.build` made."""
        kernel, bias = model.get_layer("probabilities").get_weights()
        layers = {layer.name: layer for layer in model.layers}
        hidden = tuple(layers["dense"].get_weights()) if "dense" in layers else None
        return cls(kernel=kernel, bias=bias, hidden=hidden)

    def places(self, maps: Maps, of_labels: NDArray[np.float32]) -> tuple[Maps, float]:
        """What each place of the maps [h, w, features] adds to a sum of logits, [h, w], and the rest.

        of_labels: the factor of each label's logit in the sum, [classes]. Places and rest add up to the sum exactly.
        """
        weights, rest = self.kernel @ of_labels, float(self.bias @ of_labels)
        if self.hidden is not None:
            kernel, bias = self.hidden
            is_active = maps.mean(axis=(0, 1)) @ kernel + bias > 0
            rest += float(bias[is_active] @ weights[is_active])
            weights = kernel[:, is_active] @ weights[is_active]
        height, width = maps.shape[:2]
        added: Maps = maps @ weights / (height * width)
        return added, rest


def feature_maps(model: keras.Model, pixels: NDArray[np.uint8]) -> Maps:
    """The backbone's last maps of images [n, s, s, 3], before they are pooled: [n, h, w, features]."""
    backbone = keras.Model(model.input, model.get_layer("pool").input)
    batches = [pixels[start : start + BATCH] for start in range(0, len(pixels), BATCH)]
    # Called and not compiled: to trace the network takes longer than to compute a few images.
    return np.concatenate([np.asarray(backbone(batch, training=False)) for batch in batches])


def evidence(head: Head, maps: Maps, label: int, other: int) -> Maps:
    """What each place adds to the logit of a label minus that of another one, [h, w]: the logarithm of their odds."""
    of_labels = np.zeros(len(head.bias), np.float32)
    of_labels[label] += 1
    of_labels[other] -= 1
    return head.places(maps, of_labels)[0]


def heat_map(pixels: NDArray[np.uint8], added: Maps) -> Image.Image:
    """An image [s, s, 3] in gray, and what its places add [h, w] in color; what is negative has none."""
    size = pixels.shape[1::-1]
    smooth = Image.fromarray(added.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    heat = np.asarray(smooth).clip(min=0)
    opacity = Image.fromarray(np.uint8(255 * MAX_OPACITY * heat / (heat.max() or 1)))
    gray = Image.fromarray(pixels).convert("L").convert("RGB")
    return Image.composite(Image.new("RGB", size, HEAT_COLOR), gray, opacity)
