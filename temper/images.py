"""The only code that decodes and resizes, for every stage: training and inference see the same pixels."""

import itertools
import os
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from temper.errors import UnreadableImage, UserError

# How a picture becomes pixels; a card repeats it, and other pixels mean other answers.
PREPROCESSING_TEXT = (
    "first frame, EXIF rotation applied, alpha on white, stretched to a square, bilinear with antialiasing"
)
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
# A short list keeps Pillow's rarer parsers away from foreign files.
DECODERS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
MAX_PIXELS = 89_478_485
WHITE = (255, 255, 255, 255)
# Pillow would warn of what is refused below.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

Picture = NDArray[np.uint8]


def load_image(path: Path, size: int) -> Picture:
    """Decode a file to uint8 RGB [size, size, 3].

    A large JPEG is decoded at 1/2, 1/4 or 1/8 of its scale, never below `size`, which costs a quarter of a full
    decode of a 12-megapixel photo. Raises UnreadableImage for anything that is not a sound picture.
    """
    try:
        with Image.open(path, formats=DECODERS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise UnreadableImage(
                    f"{path} has {image.width} x {image.height} pixels; at most {MAX_PIXELS:,} are read. Scale it down."
                )
            image.draft("RGB", (size, size))
            pixels = _rgb(ImageOps.exif_transpose(image))
    except FileNotFoundError:
        raise UnreadableImage(f"{path} does not exist. Check the path.") from None
    except UnidentifiedImageError:
        raise UnreadableImage(
            f"{path} is not a picture that can be read. Expected {', '.join(DECODERS)}; remove or convert it."
        ) from None
    # Pillow's parsers raise many kinds of error on damaged files; all mean the same to the reader.
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError, Image.DecompressionBombError) as error:
        raise UnreadableImage(f"{path} is damaged ({error}). Replace or remove it.") from None
    return np.asarray(pixels.resize((size, size), Image.Resampling.BILINEAR), dtype=np.uint8)


def load_images(paths: Iterable[Path], size: int) -> Iterator[Picture]:
    """Decode files in order, in as many threads as there are cores, a few pictures ahead of the reader.

    Raises UnreadableImage at the first file that cannot be decoded.
    """
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Picture]] = deque()
        rest = iter(paths)
        for path in itertools.islice(rest, 4 * workers):
            waiting.append(pool.submit(load_image, path, size))
        while waiting:
            yield waiting.popleft().result()
            for path in itertools.islice(rest, 1):
                waiting.append(pool.submit(load_image, path, size))


def images_in(folder: Path) -> list[Path]:
    """Picture files anywhere below a folder, by suffix, sorted; hidden files and folders are passed over."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def labeled_images(folder: Path) -> list[tuple[Path, str]]:
    """Pictures of a folder that holds one folder for each label, sorted by label, then path.

    Raises UserError when the folder is missing, or holds fewer than two labels with pictures in them.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder. Expected a folder with one folder of pictures for each label.")
    found = [
        (path, inside.name)
        for inside in sorted(folder.iterdir())
        if inside.is_dir() and not inside.name.startswith(".")
        for path in images_in(inside)
    ]
    labels = sorted({label for _, label in found})
    if len(labels) < 2:
        what = f"pictures of one label only ({labels[0]})" if labels else "no pictures"
        raise UserError(
            f"{folder} holds {what}. Expected two folders or more, one for each label, with "
            f"{', '.join(SUFFIXES)} files in them."
        )
    return found


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        # Pillow clips 16 bits to 8; the upper byte keeps what the eye sees.
        wide = np.asarray(image, dtype=np.float64)
        return Image.fromarray((np.clip(wide, 0, 65535) / 257).round().astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, WHITE), layer).convert("RGB")
    return image.convert("RGB")
