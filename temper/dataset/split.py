"""Which pictures were trained on and which were held out: `model.split.csv` beside the model."""

import csv
import dataclasses
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from temper.card import Card
from temper.errors import UserError
from temper.storage.atomic import sha256_of, write_text

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True)
class Example:
    """A picture, its label, the part it belongs to, and the SHA-256 of its file."""

    path: Path
    label: str
    part: Part
    sha256: str


def share(sha256: str, seed: int) -> float:
    """A number in [0, 1) that depends on a picture's content and the seed alone: adding pictures moves no other."""
    digest = hashlib.sha256(f"{seed}:{sha256}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def write_split(target: Path, root: Path, examples: list[Example]) -> dict[str, str]:
    """Write the manifest, paths relative to `root`; returns what the card says of it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([field.name for field in dataclasses.fields(Example)])
    for each in examples:
        writer.writerow([each.path.relative_to(root).as_posix(), each.label, each.part, each.sha256])
    write_text(target, text.getvalue())
    return {"file": target.name, "sha256": sha256_of(target), "folder": str(root.resolve())}


def read_split(artifact: Path, card: Card, part: Part, folder: Path | None = None) -> list[Example]:
    """The pictures of one part of the split an artifact's card names, found below `folder` or where they were.

    Raises UserError when the manifest or a picture is missing or is not the one the card names.
    """
    if not card.split:
        raise UserError(f"{artifact} names no split of pictures. Train the model again with `make train`.")
    manifest = artifact.parent / card.split["file"]
    if not manifest.exists() or sha256_of(manifest) != card.split["sha256"]:
        raise UserError(
            f"{manifest} is missing or is not the split that {artifact.name} was made with. "
            "Copy it along with the model."
        )
    root = folder or Path(card.split["folder"])
    with manifest.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["part"] == part]
    examples = [Example(root / row["path"], row["label"], part, row["sha256"]) for row in rows]
    missing = [each.path for each in examples if not each.path.is_file()]
    if missing:
        raise UserError(
            f"{len(missing)} of {len(examples)} pictures of the {part} part are not below {root} "
            f"(the first: {missing[0]}). Name the folder of pictures: `--data FOLDER` (DATA=folder with make)."
        )
    return examples
