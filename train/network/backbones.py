"""The backbones that can be chosen: how each normalizes pixels, and which of its blocks are the top."""

from dataclasses import dataclass

Triple = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """A network of keras.applications, or of a module with the same interface.

    application: its name in the module. mean, deviation: subtracted from RGB pixels, and then divided by.
    top: pattern of the names of its last blocks, which fine-tuning changes.
    bgr_convolution: the first convolution, if its weights expect BGR.
    residual_norm_suffix: suffix of the name of the BatchNorm that ends a residual block, if there is one.
    """

    application: str
    mean: Triple
    deviation: Triple
    top: str
    module: str = "keras.applications"
    bgr_convolution: str = ""
    residual_norm_suffix: str = ""


# As in keras.applications.imagenet_utils.preprocess_input, modes "caffe", "torch" and "tf"; EfficientNetV2S has its own
# inside the network.
CAFFE_MEAN, CAFFE_DEVIATION = (123.68, 116.779, 103.939), (1.0, 1.0, 1.0)
TORCH_MEAN, TORCH_DEVIATION = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
HALF_RANGE = (127.5, 127.5, 127.5)


def _resnet(application: str) -> Backbone:
    return Backbone(
        application=application,
        mean=CAFFE_MEAN,
        deviation=CAFFE_DEVIATION,
        top=r"conv5_",
        bgr_convolution="conv1_conv",
        residual_norm_suffix="_3_bn",
    )


def _torch(application: str, top: str) -> Backbone:
    return Backbone(application=application, mean=TORCH_MEAN, deviation=TORCH_DEVIATION, top=top)


def _mobilenet(application: str, top: str) -> Backbone:
    return Backbone(application=application, mean=HALF_RANGE, deviation=HALF_RANGE, top=top)


def _efficientnet_lite(application: str) -> Backbone:
    return Backbone(
        application=application,
        module="train.network.efficientnet_lite",
        mean=(127.0,) * 3,
        deviation=(128.0,) * 3,
        top=r"block[67]|top_",
    )


BACKBONES = {
    "resnet50": _resnet("ResNet50"),
    "resnet101": _resnet("ResNet101"),
    "efficientnetv2b0": _torch("EfficientNetV2B0", r"block6|top_"),
    "efficientnetv2s": Backbone(
        application="EfficientNetV2S", mean=(128.0,) * 3, deviation=(128.0,) * 3, top=r"block6|top_"
    ),
    "efficientnetlite0": _efficientnet_lite("EfficientNetLite0"),
    "efficientnetlite1": _efficientnet_lite("EfficientNetLite1"),
    "efficientnetlite2": _efficientnet_lite("EfficientNetLite2"),
    "mobilenetv2": _mobilenet("MobileNetV2", r"block_1[3-6]_|Conv_1"),
    "mobilenetv3small": _mobilenet("MobileNetV3Small", r"expanded_conv_(8|9|10)_|conv_1"),
    "mobilenetv3large": _mobilenet("MobileNetV3Large", r"expanded_conv_1[2-4]_|conv_1"),
    "convnexttiny": _torch("ConvNeXtTiny", r"convnext_tiny_(stage_3|downsampling_block_2)"),
}
