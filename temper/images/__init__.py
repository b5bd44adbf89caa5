"""The only code that decodes and resizes images: training and inference see the same pixels."""

from temper.dataset.image_files import DECODERS, MAX_BYTES, MAX_PIXELS, SUFFIXES
from temper.images.ahead import AHEAD_PER_CORE, load_images, map_ahead
from temper.images.decode import Decoding, fit, load_image, open_image, to_rgb, unreadable
from temper.images.encoded import EncodedImage, open_regular, read_image
from temper.images.folders import images_in, labeled_images, unreadable_folder, walk_images
from temper.images.pixels import ImageArray

__all__ = [
    "AHEAD_PER_CORE",
    "DECODERS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "SUFFIXES",
    "Decoding",
    "EncodedImage",
    "ImageArray",
    "fit",
    "images_in",
    "labeled_images",
    "load_image",
    "load_images",
    "map_ahead",
    "open_image",
    "open_regular",
    "read_image",
    "to_rgb",
    "unreadable",
    "unreadable_folder",
    "walk_images",
]
