"""Images with their labels drawn below them: files in a folder, or one video."""

import itertools
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from PIL import Image

from temper.errors import UsageError
from temper.infer.journal import key_of
from temper.infer.results import Result
from temper.infer.sources.kinds import VIDEO_SUFFIXES
from temper.infer.sources.video import import_av

CODECS = {".webm": "libvpx-vp9"}
DEFAULT_CODEC = "libx264"
MAX_DENOMINATOR = 1000


def is_video(target: Path) -> bool:
    """Whether a path is that of a video, by its suffix."""
    return target.name.lower().endswith(VIDEO_SUFFIXES)


def refuse_half_video(target: Path | None, out: Path, rows: int) -> None:
    """Raise UsageError when a job that goes on would write a video. rows: that are done, without their frames in it."""
    if target and rows and is_video(target):
        raise UsageError(
            f"{out} has rows already, and {target} would be without their frames: a video cannot go on",
            fix="Leave --save out, or name another file with --out.",
        )


def save_images(results: Iterable[Result], folder: Path, goes_on: bool = False) -> Iterator[Result]:
    """The same results, each after its image is in the folder. Images of the same name get a number.

    goes_on: earlier runs have saved images there, which stay; one of the same name gets a part of a hash.
    """
    used: set[str] = set()
    for number, result in enumerate(results):
        if not result.error:
            name = stem = Path(result.source).stem
            if goes_on and _labeled(folder, stem).exists():
                name = f"{stem}-{key_of(result.source, result.sha256):016x}"
            elif stem in used:
                name = next(each for n in itertools.count(number) if (each := f"{stem}-{n}") not in used)
            used.add(name)
            result.save(_labeled(folder, name))
        yield result


def save_video(results: Iterable[Result], target: Path, fps: float, lines: int) -> Iterator[Result]:
    """The same results, each after its frame is in the video, complete when all are read or interrupted.

    fps: frames in a second of the video. lines: of text below each frame. All frames get the size of the first.
    """
    av = import_av()
    target.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(target), "w") as container:
        stream: Any = None
        try:
            for result in results:
                if not result.error:
                    image = result.labeled(lines)
                    stream = stream or _add_stream(container, target, fps, image)
                    frame = av.VideoFrame.from_image(_resized(image, stream.width, stream.height))
                    container.mux(stream.encode(frame))
                yield result
        finally:
            # The encoder holds the last frames, dozens of them. Only an interruption ends a camera.
            if stream:
                container.mux(stream.encode(None))


def _labeled(folder: Path, name: str) -> Path:
    # The second suffix: an image in the same folder is never replaced.
    return folder / f"{name}.labeled.png"


def _add_stream(container: Any, target: Path, fps: float, image: Image.Image) -> Any:
    rate = Fraction(fps).limit_denominator(MAX_DENOMINATOR)
    stream = container.add_stream(CODECS.get(target.suffix.lower(), DEFAULT_CODEC), rate=rate)
    # The codecs store color for each second pixel.
    stream.width, stream.height = image.width // 2 * 2, image.height // 2 * 2
    stream.pix_fmt = "yuv420p"
    return stream


def _resized(image: Image.Image, width: int, height: int) -> Image.Image:
    if image.width // 2 * 2 == width and image.height // 2 * 2 == height:
        return image.crop((0, 0, width, height))
    return image.resize((width, height), Image.Resampling.BILINEAR)
