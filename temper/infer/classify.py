"""Pictures through a runner, in batches, while the next ones are decoded."""

import itertools
import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from temper.errors import UnreadableImage
from temper.images import Picture, load_image
from temper.predictions import Prediction, top_k
from temper.runners.base import Runner

BATCH = 8


@dataclass(frozen=True)
class Answer:
    """What a file got: its likeliest labels, or the reason it could not be read.

    milliseconds: its share of the runner's call; decoding is not in it.
    """

    file: Path
    predictions: tuple[Prediction, ...] = ()
    milliseconds: float = 0.0
    problem: str = ""

    def is_unknown(self, below: float) -> bool:
        """True when even the likeliest label is less probable than this."""
        return not self.problem and self.predictions[0].probability < below


def classify(runner: Runner, files: Iterable[Path], k: int) -> Iterator[Answer]:
    """Answers in the order of the files; one that cannot be read does not stop the rest."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        loaded = _ahead(pool, files, runner.card.size)
        while batch := list(itertools.islice(loaded, BATCH)):
            yield from _answer(runner, batch, k)


def _ahead(pool: ThreadPoolExecutor, files: Iterable[Path], size: int) -> Iterator[tuple[Path, Picture | str]]:
    """Decode a batch while the one before it is answered."""
    rest = iter(files)
    window = [(file, pool.submit(_load, file, size)) for file in itertools.islice(rest, 2 * BATCH)]
    while window:
        file, job = window.pop(0)
        yield file, job.result()
        window += [(each, pool.submit(_load, each, size)) for each in itertools.islice(rest, 1)]


def _load(file: Path, size: int) -> Picture | str:
    try:
        return load_image(file, size)
    except UnreadableImage as error:
        return str(error)


def _answer(runner: Runner, batch: list[tuple[Path, Picture | str]], k: int) -> list[Answer]:
    pictures = [loaded for _, loaded in batch if not isinstance(loaded, str)]
    started = time.perf_counter()
    rows = iter(runner.predict(np.stack(pictures)) if pictures else np.empty((0, 0), np.float32))
    each_milliseconds = 1000 * (time.perf_counter() - started) / max(1, len(pictures))
    answers = []
    for file, loaded in batch:
        if isinstance(loaded, str):
            answers.append(Answer(file, problem=loaded))
        else:
            answers.append(Answer(file, tuple(top_k(next(rows), runner.card.labels, k)), each_milliseconds))
    return answers
