"""Small datasets for the tests of train/."""

from pathlib import Path

import numpy as np
from PIL import Image


def fill(folder: Path, count: int, labels: tuple[str, ...] = ("cat", "dog"), start: int = 0, size: int = 8) -> Path:
    """Write images that all differ, `count` in one folder for each label; returns the folder."""
    for label in labels:
        (folder / label).mkdir(parents=True, exist_ok=True)
        for index in range(start, start + count):
            pixels = np.random.default_rng((index, *label.encode())).integers(0, 255, (size, size, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{index:04}.png")
    return folder
