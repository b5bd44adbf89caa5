"""The only code that decodes and resizes images: training and inference see the same pixels."""

import io
import itertools
import os
import stat
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from temper.errors import DataError, UnreadableImage

# What is done here is recorded in every card as temper.card.Preprocessing: change both together.
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
# A short list, so that untrusted files never reach Pillow's rarer parsers.
DECODERS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
MAX_PIXELS = 89_478_485
# As many bytes as the largest image has at three for each pixel.
MAX_BYTES = 2**28
WHITE = (255, 255, 255, 255)
# Images that are decoded ahead of the reader, for each core.
AHEAD_PER_CORE = 4

# Pillow's parsers raise many kinds of error on damaged files; all have the same cause for the reader.
DECODE_ERRORS = (OSError, SyntaxError, ValueError, EOFError, MemoryError, Image.DecompressionBombError)

ImageArray = NDArray[np.uint8]
Item = TypeVar("Item")
Decoded = TypeVar("Decoded")


@dataclass(frozen=True)
class EncodedImage:
    """An image file that is in memory: its name, for results and messages, and its content."""

    name: str
    content: bytes

    def __str__(self) -> str:
        return self.name


def read_image(path: Path) -> EncodedImage:
    """The content of a regular file, undecoded. Raises UnreadableImage when it cannot be read or is too large."""
    try:
        with _open(path) as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _missing(path) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnreadableImage(f"{path} cannot be read ({reason})", fix="Check the path and its permissions.") from None
    if len(content) > MAX_BYTES:
        raise UnreadableImage(f"{path} has more than {MAX_BYTES:,} bytes, the limit", fix="Scale it down.")
    return EncodedImage(str(path), content)


def load_image(path: Path | EncodedImage, size: int) -> ImageArray:
    """Decode a file to uint8 RGB [size, size, 3].

    A large JPEG is decoded at 1/2, 1/4 or 1/8 of its scale, never below `size`, which costs a quarter of a full decode
    of a 12-megapixel photo. Raises UnreadableImage for anything that is not a valid image.
    """
    return fit(open_image(path, size), size)


def open_image(path: Path | EncodedImage, draft_size: int = 0) -> Image.Image:
    """Decode a file to an RGB image with its orientation applied. Raises UnreadableImage.

    draft_size: a JPEG may be decoded at a smaller scale, with no side below this; 0 decodes in full.
    """
    _ignore_size_warning()
    try:
        with _open(path) as file, Image.open(file, formats=DECODERS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise UnreadableImage(
                    f"{path} has {image.width} x {image.height} pixels; the limit is {MAX_PIXELS:,}",
                    fix="Scale it down.",
                )
            if draft_size:
                image.draft("RGB", (draft_size, draft_size))
            return _to_rgb(image)
    except FileNotFoundError:
        raise _missing(path) from None
    except UnidentifiedImageError:
        raise UnreadableImage(
            f"{path} is not an image that can be read. Expected {', '.join(DECODERS)}", fix="Remove or convert it."
        ) from None
    except DECODE_ERRORS as error:
        raise UnreadableImage(f"{path} is damaged ({error})", fix="Replace or remove it.") from None


def _missing(path: Path | EncodedImage) -> UnreadableImage:
    return UnreadableImage(f"{path} does not exist", fix="Check the path.")


def _open(path: Path | EncodedImage) -> BinaryIO:
    if isinstance(path, EncodedImage):
        return io.BytesIO(path.content)
    # A named pipe would block the open until something is written to it.
    return open(path, "rb", opener=_open_without_waiting)


def _open_without_waiting(path: str, flags: int) -> int:
    mode = Path(path).stat().st_mode
    if stat.S_ISDIR(mode):
        os.scandir(path).close()
    if not stat.S_ISREG(mode):
        raise UnreadableImage(f"{path} is not a regular file", fix="Name an image file.")
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def fit(image: Image.Image, size: int) -> ImageArray:
    """Stretch an RGB image to uint8 [size, size, 3], bilinear with antialiasing."""
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR), dtype=np.uint8)


def load_images(paths: Iterable[Path], size: int) -> Iterator[ImageArray]:
    """Decode files in order, in as many threads as there are cores, a few images ahead of the reader.

    Raises UnreadableImage at the first file that cannot be decoded.
    """
    return map_ahead(lambda path: load_image(path, size), paths)


def map_ahead(
    function: Callable[[Item], Decoded], items: Iterable[Item], ahead: int = 0, workers: int = 0
) -> Iterator[Decoded]:
    """Results of a function in the order of its items, computed by threads a few items ahead of the reader.

    ahead: how many items; by default AHEAD_PER_CORE for each core. workers: threads; by default one for each core.
    """
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(workers or cores) as pool:
        rest = iter(items)
        pending: deque[Future[Decoded]] = deque(
            pool.submit(function, item) for item in itertools.islice(rest, ahead or AHEAD_PER_CORE * cores)
        )
        try:
            while pending:
                yield pending.popleft().result()
                pending.extend(pool.submit(function, item) for item in itertools.islice(rest, 1))
        finally:
            # After an interruption nobody waits for what has not begun.
            pool.shutdown(wait=False, cancel_futures=True)


def images_in(folder: Path) -> list[Path]:
    """Image files anywhere below a folder, by suffix, sorted; hidden files and folders are skipped."""
    return list(iterate_images(folder))


def iterate_images(folder: Path, goes_on: bool = False) -> Iterator[Path]:
    """The same one by one: only the names of one folder, and of those above it, are in memory.

    Links to folders are not followed. Raises OSError for a folder that cannot be listed; with `goes_on` its path is
    among the images, and `read_image` says what is wrong with it.
    """
    try:
        with os.scandir(folder) as entries:
            seen = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries if entry.name[0] != "."]
    except OSError:
        if not goes_on:
            raise
        yield folder
        return
    folders = {name for name, is_folder in seen if is_folder}
    names = sorted((name for name, _ in seen if name in folders or name.lower().endswith(SUFFIXES)), reverse=True)
    del seen
    while names:
        path = folder / (name := names.pop())
        if name in folders:
            yield from iterate_images(path, goes_on)
        elif path.is_file():
            yield path


def labeled_images(folder: Path) -> list[tuple[Path, str]]:
    """Images of a folder that holds one folder for each label, sorted by label, then path.

    Raises DataError when the folder is missing, or holds fewer than two labels with images in them.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder", fix="Expected a folder with one folder of images for each label.")
    images = [
        (path, inside.name)
        for inside in sorted(folder.iterdir())
        if inside.is_dir() and not inside.name.startswith(".")
        for path in images_in(inside)
    ]
    labels = sorted({label for _, label in images})
    if len(labels) < 2:
        what = f"images of one label only ({labels[0]})" if labels else "no images"
        raise DataError(
            f"{folder} holds {what}",
            fix=f"Expected two folders or more, one for each label, with {', '.join(SUFFIXES)} files in them.",
        )
    return images


@lru_cache(maxsize=1)
def _ignore_size_warning() -> None:
    # Pillow would warn of what open_image refuses. Not at import, and not for each image: filters are global.
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def to_rgb(image: Image.Image) -> Image.Image:
    """An image of any mode as RGB, its EXIF orientation applied: 16 bits scaled to 8, transparency composited on white.

    The image of the caller is not changed, and shares no pixels with the result. Raises one of DECODE_ERRORS for a
    damaged image that is decoded only now.
    """
    converted = _to_rgb(image)
    return image.copy() if converted is image else converted


def _to_rgb(image: Image.Image) -> Image.Image:
    """The same, without a copy where nothing is to be done: a copy costs a quarter of decoding a small JPEG."""
    image.load()
    if image.getexif().get(ExifTags.Base.Orientation, 1) != 1:
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        # Pillow clips 16 bits to 8; the upper byte is what a person sees.
        wide = np.asarray(image, dtype=np.float64)
        return Image.fromarray((np.clip(wide, 0, 65535) / 257).round().astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, WHITE), layer).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")
