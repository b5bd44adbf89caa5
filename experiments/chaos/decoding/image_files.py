"""Image files to attack with: Pillow's own test images, and mutants of them."""

import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

# What parsers compare with: zero, limits of signed and unsigned numbers.
VALUES = (0x00, 0x01, 0x7F, 0x80, 0xFF)
MAX_CHANGES = 8
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")


def pillow_images(scratch: Path) -> list[Path]:
    """The test images of the installed version of Pillow, downloaded with pip and unpacked once; none without it."""
    folder = scratch / "pillow-images"
    if not folder.is_dir():
        sdist = f"pillow-{PIL.__version__}"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        done = subprocess.run([*command, "--dest", str(scratch), sdist.replace("-", "==")], stderr=subprocess.DEVNULL)
        if done.returncode:
            return []
        with tarfile.open(scratch / f"{sdist}.tar.gz") as archive:
            archive.extractall(scratch, filter="data")
        (scratch / sdist / "Tests" / "images").rename(folder)
    return sorted(path for path in folder.rglob("*") if path.is_file())


def drawn_images(scratch: Path) -> list[Path]:
    """A small image in each format, for a quick run without a download."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8))
    paths = []
    for name in FORMATS:
        paths.append(scratch / f"noise.{name.lower()}")
        noise.save(paths[-1], name)
    return paths


def attacked(corpus: list[Path], number: int, seed: int) -> bytes:
    """The content of the file with a number: those of the corpus as they are, then mutants of them."""
    if number < len(corpus):
        return corpus[number].read_bytes()
    random = np.random.default_rng([seed, number])
    base, other = (corpus[int(i)].read_bytes() for i in random.integers(0, len(corpus), 2))
    return mutated(base, other, random)


def mutated(base: bytes, other: bytes, random: np.random.Generator) -> bytes:
    """A file with some bytes changed, cut, repeated, or replaced by those of another file."""
    content = bytearray(base or b"\0")
    kind = random.integers(0, 10)
    start, end = sorted(int(i) for i in random.integers(0, len(content) + 1, 2))
    if kind == 0:
        del content[start:]
    elif kind == 1:
        del content[start:end]
    elif kind == 2:
        content[end:end] = content[start:end]
    elif kind == 3:
        content[start:end] = other[start:end]
    else:
        # Headers decide about more than pixels do.
        limit = len(content) if kind > 6 else min(len(content), 256)
        for place in random.integers(0, limit, random.integers(1, MAX_CHANGES + 1)):
            bit = 1 << int(random.integers(0, 8))
            content[place] = int(random.choice(VALUES)) if random.random() < 0.5 else content[place] ^ bit
    return bytes(content)
