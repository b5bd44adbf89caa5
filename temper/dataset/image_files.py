"""Which files are images, and how large they may be.

Apart from the code that decodes them: help texts name the limits, and decoders take long to import.
"""

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
# A short list, so that untrusted files never reach Pillow's rarer parsers.
DECODERS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
# Pillow warns above this number.
MAX_PIXELS = 89_478_485
# Pillow refuses more, whatever limit a user chooses.
MAX_PIXELS_OF_PILLOW = 2 * MAX_PIXELS
# As many bytes as the largest image has at three for each pixel.
MAX_BYTES = 2**28
