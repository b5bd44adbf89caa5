"""The backbones that can be named: how each wants its pixels, and which of its blocks are the top."""

from dataclasses import dataclass

Triple = tuple[float, float, float]
IMAGENET_MEAN: Triple = (123.675, 116.28, 103.53)
IMAGENET_DEVIATION: Triple = (58.395, 57.12, 57.375)
HALF: Triple = (127.5, 127.5, 127.5)


@dataclass(frozen=True)
class Backbone:
    """A network of keras.applications.

    application: its name there. mean, deviation: what pixels in RGB are centred and divided by.
    top: pattern of the names of its last blocks, those that fine-tuning changes.
    reversed_input: its first convolution, where its weights expect BGR.
    last_scale: suffix of the BatchNorm that ends a residual block, where one does.
    """

    application: str
    mean: Triple
    deviation: Triple
    top: str
    reversed_input: str = ""
    last_scale: str = ""


# Means and deviations as in keras.applications: imagenet_utils' "caffe", "tf" and "torch", or inside the network.
CAFFE: tuple[Triple, Triple] = ((123.68, 116.779, 103.939), (1.0, 1.0, 1.0))
TORCH: tuple[Triple, Triple] = (IMAGENET_MEAN, IMAGENET_DEVIATION)
BACKBONES = {
    "resnet50": Backbone("ResNet50", *CAFFE, r"conv5_", "conv1_conv", "_3_bn"),
    "resnet101": Backbone("ResNet101", *CAFFE, r"conv5_", "conv1_conv", "_3_bn"),
    "efficientnetv2b0": Backbone("EfficientNetV2B0", *TORCH, r"block6|top_"),
    "efficientnetv2s": Backbone("EfficientNetV2S", (128.0,) * 3, (128.0,) * 3, r"block6|top_"),
    "mobilenetv2": Backbone("MobileNetV2", HALF, HALF, r"block_1[3-6]_|Conv_1"),
    "mobilenetv3small": Backbone("MobileNetV3Small", HALF, HALF, r"expanded_conv_(8|9|10)_|conv_1"),
    "mobilenetv3large": Backbone("MobileNetV3Large", HALF, HALF, r"expanded_conv_1[2-4]_|conv_1"),
    "convnexttiny": Backbone("ConvNeXtTiny", *TORCH, r"convnext_tiny_(stage_3|downsampling_block_2)"),
}
