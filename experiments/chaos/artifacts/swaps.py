"""Files that are replaced while they are opened: what is predicted must be what the card describes."""

import contextlib
import multiprocessing
import os
import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.chaos.artifacts.outcomes import Outcomes
from experiments.chaos.artifacts.targets import build_targets, predict
from temper.artifact import Artifact
from temper.reference import read_golden
from temper.runners.base import Images
from temper.runners.load import open_runner

PAUSE_SECONDS = 0.0005


def run(count: int, seed: int, scratch: Path) -> dict[str, Any]:
    """Open an artifact, and in another process swap its file with one that predicts the other label, again and again.

    Wrong predictions are silent. The card stays the honest one, so each swap is refused or not seen.
    """
    outcomes, random = Outcomes(), Random(seed)
    for artifact in (each for each in build_targets(scratch) if each.path.suffix == ".onnx"):
        images, honest = read_golden(artifact).images, predict(artifact).argmax(axis=1)
        with _swapped(artifact.path, _hostile(artifact, honest)):
            for _ in range(count // 2):
                time.sleep(random.random() * 2 * PAUSE_SECONDS)
                outcomes.attempt(partial(_predicts, artifact.path, images, honest), artifact.name)
    return outcomes.as_dict()


def _predicts(path: Path, images: Images, labels: NDArray[np.int64]) -> bool:
    with open_runner(Artifact.at(path)) as runner:
        return bool((runner.predict(images).argmax(axis=1) == labels).all())


def _hostile(artifact: Artifact, honest: Any) -> Path:
    """A file that predicts the other label: the weights of the head are negated."""
    import onnx

    model = onnx.load(artifact.path)
    for each in model.graph.initializer:
        if each.name.startswith("head_w") or each.name == "head_b":
            values = onnx.numpy_helper.to_array(each)
            if values.dtype.kind in "fi" and values.size > 1:
                each.CopyFrom(onnx.numpy_helper.from_array(np.asarray(-values, values.dtype), each.name))
    path = artifact.path.with_name(f"hostile-{artifact.name}")
    onnx.save(model, path)
    if (_labels(path, artifact) == honest).all():
        raise RuntimeError("the hostile file predicts what the honest one does")
    return path


def _labels(path: Path, artifact: Artifact) -> Any:
    from temper.runners.onnxruntime import open_session

    session = open_session(str(path))
    return session.run(None, {session.get_inputs()[0].name: read_golden(artifact).images})[0].argmax(axis=1)


@contextlib.contextmanager
def _swapped(path: Path, hostile: Path) -> Iterator[None]:
    good = path.with_name(f"good-{path.name}")
    shutil.copy2(path, good)
    process = multiprocessing.get_context("spawn").Process(target=swap_for_ever, args=(path, good, hostile))
    process.start()
    inode = path.stat().st_ino
    while path.stat().st_ino == inode:
        time.sleep(PAUSE_SECONDS)
    try:
        yield
    finally:
        process.terminate()
        process.join()
        shutil.copy2(good, path)


def swap_for_ever(path: Path, good: Path, hostile: Path) -> None:
    """Put either file in the path's place, in turn."""
    scratch = path.with_name(f"next-{path.name}")
    while True:
        for source in (hostile, good):
            shutil.copy2(source, scratch)
            os.replace(scratch, path)  # noqa: PTH105
            time.sleep(PAUSE_SECONDS)
