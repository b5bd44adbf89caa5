"""The drawn sample: a folder of cats and dogs made by this project's own code, nothing downloaded or borrowed."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from data.drawn.animals import ANIMALS
from data.drawn.scenes import draw_picture
from temper.errors import UserError
from temper.storage.atomic import atomic_write

# Written with the pictures; the stages that train and measure repeat the title beside their figures.
ABOUT = "about.json"
TITLE = "drawn sample"
JPEG_QUALITY = 92


@dataclass(frozen=True)
class Sample:
    """How many pictures of each label to draw for training and for the held-out test, and from which seed."""

    train: int
    test: int
    seed: int


def draw_sample(folder: Path, sample: Sample) -> Iterator[tuple[int, int]]:
    """Draw folder/train/LABEL and folder/test/LABEL; yields (drawn so far, all). Draws nothing if it is there.

    The folder appears whole or not at all. Test pictures come from other seeds than training pictures.
    Raises UserError when the folder holds anything else.
    """
    if _is_there(folder, sample):
        return
    jobs = [
        (label, f"{sample.seed}/{part}/{label}/{index}", f"{part}/{label}/{label}.{index:05}.jpg")
        for part, count in (("train", sample.train), ("test", sample.test))
        for label in ANIMALS
        for index in range(count)
    ]
    with atomic_write(folder) as target, ProcessPoolExecutor(os.cpu_count()) as pool:
        for part in ("train", "test"):
            for label in ANIMALS:
                (target / part / label).mkdir(parents=True)
        for done, _ in enumerate(pool.map(_draw, jobs, [target] * len(jobs), chunksize=20), 1):
            yield done, len(jobs)
        (target / ABOUT).write_text(json.dumps({"title": TITLE, **asdict(sample)}) + "\n", encoding="utf-8")


def _draw(job: tuple[str, str, str], folder: Path) -> None:
    label, seed, name = job
    draw_picture(label, seed).save(folder / name, quality=JPEG_QUALITY)


def _is_there(folder: Path, sample: Sample) -> bool:
    if not folder.exists():
        return False
    about = folder / ABOUT
    if about.is_file() and json.loads(about.read_text(encoding="utf-8")) == {"title": TITLE, **asdict(sample)}:
        return True
    raise UserError(
        f"{folder} is there already and is not this sample. Name another folder, or remove it to draw it again."
    )
