"""Which images were trained on and which were held out: `model.split.csv` beside the model."""

import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from temper.artifact import Artifact
from temper.card import FileReference
from temper.errors import DataError
from temper.escaping import original_name, stored_name
from temper.storage.atomic import write_text
from temper.storage.digest import sha256_of

Subset = Literal["train", "val", "test"]
SUBSETS: tuple[Subset, ...] = get_args(Subset)
HEADER = ("path", "label", "subset", "sha256")
# The same column in files that Temper 0.1 wrote.
FORMER_SUBSET = "part"


@dataclass(frozen=True, kw_only=True)
class Example:
    """An image file, its label, the subset it belongs to, and the SHA-256 of the file."""

    path: Path
    label: str
    subset: Subset
    sha256: str

    @property
    def name(self) -> str:
        """How cards and reports name the image: "label/file", the file as `stored_name` writes it."""
        return f"{self.label}/{stored_name(self.path.name)}"


def split_fraction(sha256: str, seed: int) -> float:
    """A number in [0, 1) that depends on an image's content and the seed alone: adding images moves no other one."""
    digest = hashlib.sha256(f"{seed}:{sha256}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def write_split(target: Path, folder: Path, examples: list[Example]) -> FileReference:
    """Write the split as CSV, with paths relative to `folder`, as `stored_name` writes them; returns its reference."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for each in examples:
        name = stored_name(each.path.relative_to(folder).as_posix())
        writer.writerow([name, each.label, each.subset, each.sha256])
    write_text(target, text.getvalue())
    return FileReference(target.name, sha256_of(target))


def read_split(artifact: Artifact, subset: Subset, folder: Path | None = None) -> list[Example]:
    """The images of one subset of an artifact's split, below `folder`, or where they were during the training.

    Raises DataError when the split or an image is missing, or the split is not the one that the card names.
    """
    dataset = artifact.card.dataset
    if dataset is None:
        raise DataError(f"{artifact.path} names no split of images", fix="Train the model again.")
    manifest = artifact.path.with_name(dataset.split.file)
    if not manifest.is_file() or sha256_of(manifest) != dataset.split.sha256:
        raise DataError(
            f"{manifest} is missing or is not the split that {artifact.name} was trained with",
            fix="Copy it along with the model.",
        )
    root = folder or Path(dataset.folder)
    try:
        with manifest.open(encoding="utf-8", newline="") as stream:
            rows = [row for row in csv.DictReader(stream) if row.get("subset", row.get(FORMER_SUBSET)) == subset]
        examples = [
            Example(path=root / original_name(row["path"]), label=row["label"], subset=subset, sha256=row["sha256"])
            for row in rows
        ]
    except (csv.Error, KeyError, TypeError, UnicodeDecodeError) as error:
        raise DataError(f"{manifest} is not a split ({error!r})", fix="Train the model again.") from None
    missing = [each.path for each in examples if not each.path.is_file()]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(examples)} images of the {subset} subset are not below {root} (the first: "
            f"{missing[0]})",
            fix="Name the folder of the images: `--data FOLDER` (DATA=folder with make).",
        )
    return examples
