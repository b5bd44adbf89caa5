"""Images with their labels drawn below them: files in a folder, or one video."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from PIL import Image

from temper.infer.results import Result
from temper.infer.sources.video import import_av

CODECS = {".webm": "libvpx-vp9"}
DEFAULT_CODEC = "libx264"
MAX_DENOMINATOR = 1000


def save_images(results: Iterable[Result], folder: Path) -> Iterator[Result]:
    """The same results, each after its image is in the folder. Images of the same name get a number."""
    used: set[str] = set()
    for number, result in enumerate(results):
        if not result.error:
            stem = Path(result.source).stem
            name = f"{stem}-{number}" if stem in used else stem
            used.add(name)
            # The second suffix: an image in the same folder is never replaced.
            result.save(folder / f"{name}.labeled.png")
        yield result


def save_video(results: Iterable[Result], target: Path, fps: float, lines: int) -> Iterator[Result]:
    """The same results, each after its frame is in the video, which is complete when all are read.

    fps: frames in a second of the video. lines: of text below each frame. All frames get the size of the first.
    """
    av = import_av()
    target.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(target), "w") as container:
        stream: Any = None
        for result in results:
            if not result.error:
                image = result.labeled(lines)
                stream = stream or _add_stream(container, target, fps, image)
                frame = av.VideoFrame.from_image(_resized(image, stream.width, stream.height))
                container.mux(stream.encode(frame))
            yield result
        if stream:
            container.mux(stream.encode(None))


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
