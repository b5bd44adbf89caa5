"""The drawn sample: a dataset of cats and dogs whose images are drawn by code."""

import contextlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from pathlib import Path

from data.drawn.animals import ANIMALS
from data.drawn.scenes import draw_image
from temper.cli.progress import ProgressCallback, no_progress
from temper.dataset.listing import write_about
from temper.errors import ArtifactError, DataError, ResourceError
from temper.storage.atomic import atomic_write, remove_stale_scratch
from temper.storage.publish import finish_publication
from temper.storage.reading import read_file
from temper.storage.space import check_space
from temper.system.child_process import leave_signals_to_parent

# The numbers that the images were drawn from.
SAMPLE = "sample.json"
MAX_RECORD_BYTES = 4096
TITLE = "drawn sample"
JPEG_QUALITY = 92
# Measured: 240 images have 6.7 kB on average and 4 kB blocks; doubled.
BYTES_PER_IMAGE = 16_000
# Images that a worker process draws before it asks for more.
CHUNK_IMAGES = 20


@dataclass(frozen=True, kw_only=True)
class Sample:
    """How many images of each label to draw for training and for the test, and the seed."""

    train: int
    test: int
    seed: int


def draw_sample(folder: Path, sample: Sample, progress: ProgressCallback = no_progress) -> int:
    """Draw folder/train/LABEL and folder/test/LABEL; returns the number of images, 0 if this sample is there already.

    Either the complete folder is written or nothing. The seed of an image includes its subset, so no test image equals
    a training image. Raises DataError when the folder has other content, ResourceError without space for the images.
    """
    remove_stale_scratch(folder.parent)
    finish_publication(folder)
    if _is_drawn(folder, sample):
        return 0
    n_images = len(ANIMALS) * (sample.train + sample.test)
    # Before the list of them: it alone may need more memory than there is.
    check_space({folder.parent: n_images * BYTES_PER_IMAGE}, "the sample")
    jobs = [
        (label, f"{sample.seed}/{subset}/{label}/{index}", f"{subset}/{label}/{label}.{index:05}.jpg")
        for subset, count in (("train", sample.train), ("test", sample.test))
        for label in ANIMALS
        for index in range(count)
    ]
    with atomic_write(folder) as target, _pool() as pool:
        for name in {Path(name).parent for _, _, name in jobs}:
            (target / name).mkdir(parents=True)
        for done, _ in enumerate(pool.map(_draw, jobs, [target] * len(jobs), chunksize=CHUNK_IMAGES), 1):
            progress("drawing (images)", done, len(jobs))
        (target / SAMPLE).write_text(json.dumps(asdict(sample)) + "\n", encoding="utf-8")
        write_about(target, TITLE, len(jobs))
    return len(jobs)


@contextlib.contextmanager
def _pool() -> Iterator[ProcessPoolExecutor]:
    """Worker processes that end with the block, whatever ends it. Raises ResourceError when one was killed."""
    with ProcessPoolExecutor(initializer=leave_signals_to_parent, initargs=(os.getpid(),)) as pool:
        try:
            yield pool
        except BrokenProcessPool:
            raise ResourceError(
                "a process that draws was ended from outside", fix="Check the memory, then run the same command again."
            ) from None
        except BaseException:
            # What has begun ends within a second; the rest is not begun.
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _draw(job: tuple[str, str, str], folder: Path) -> None:
    label, seed, name = job
    draw_image(label, seed).save(folder / name, quality=JPEG_QUALITY)


def _is_drawn(folder: Path, sample: Sample) -> bool:
    if not folder.exists():
        return False
    # A record that is missing or damaged is that of another sample.
    with contextlib.suppress(OSError, ArtifactError, ValueError, RecursionError):
        if json.loads(read_file(folder / SAMPLE, MAX_RECORD_BYTES)) == asdict(sample):
            return True
    raise DataError(
        f"{folder} exists and is not this sample", fix="Name another folder, or remove it to draw the sample again."
    )
