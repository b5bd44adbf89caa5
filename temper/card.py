"""The card: what an artifact means, as plain JSON beside it (`model.int8.plan.json`)."""

import dataclasses
import importlib.metadata
import json
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from temper.errors import UserError
from temper.storage.atomic import write_text

SCHEMA = 1
Precision = Literal["fp32", "fp16", "int8"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)


@dataclass(frozen=True)
class Card:
    """What a file means to the stages that read it.

    labels: class names in the order of the output.
    size: height and width, in pixels, of the pictures the artifact takes: uint8 RGB [n, size, size, 3].
    precision: what the weights and the compute are stored in.
    batch: (smallest, best, largest) number of pictures a call; None where any number does.
    sha256: of the artifact's own files.
    made_from: name and SHA-256 of the artifact this one was converted from; empty for a trained model.
    recipe: the settings it was made with; equal source and recipe mean an equal artifact.
    made_with, made_on: library versions; the machine.
    split: file, SHA-256 and folder of the pictures: which were trained on, which were held out.
    golden: file and SHA-256 of the held-out pictures with the Keras model's answers, for self-tests on a target.
    confidence_threshold: probability under which the likeliest label is better called unknown; None where nobody asked.
    calibration, agreement: how int8 ranges were found; how the answers compare with the Keras model's.
    """

    labels: tuple[str, ...]
    size: int
    precision: Precision = "fp32"
    batch: tuple[int, int, int] | None = None
    sha256: str = ""
    made_from: dict[str, str] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    made_with: dict[str, str] = field(default_factory=dict)
    made_on: dict[str, str] = field(default_factory=dict)
    split: dict[str, str] = field(default_factory=dict)
    golden: dict[str, str] = field(default_factory=dict)
    confidence_threshold: float | None = None
    calibration: dict[str, Any] = field(default_factory=dict)
    agreement: dict[str, Any] = field(default_factory=dict)
    schema: int = SCHEMA


def card_path(artifact: Path) -> Path:
    """Where an artifact's card lies: the suffix is appended."""
    return artifact.with_name(artifact.name + ".json")


def write_card(artifact: Path, card: Card) -> None:
    """Write the card beside the artifact, atomically. Called last: what has no card is not finished."""
    write_text(card_path(artifact), json.dumps(dataclasses.asdict(card), indent=2) + "\n")


def read_card(artifact: Path) -> Card:
    """Read the card beside the artifact.

    Raises UserError when the artifact or the card is missing, damaged or of another schema.
    """
    if not artifact.exists():
        raise UserError(f"{artifact} does not exist. Make it with `make train` and `make convert`, or check the path.")
    path = card_path(artifact)
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"{artifact} has no card: {path.name} was expected beside it. Copy the card along with the artifact, "
            "or make both again with `make convert`."
        ) from None
    except (ValueError, OSError) as error:
        raise UserError(f"{path} cannot be read ({error}). Make it again with `make convert`.") from None
    return _parse(fields, path)


def versions(*packages: str) -> dict[str, str]:
    """Installed versions of Python and of those packages that are installed."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _parse(fields: Any, path: Path) -> Card:
    if not isinstance(fields, dict) or fields.get("schema") != SCHEMA:
        found = fields.get("schema") if isinstance(fields, dict) else None
        raise UserError(
            f"{path} follows card schema {found!r}; this version reads schema {SCHEMA}. "
            "Make the artifact again with `make convert`."
        )
    known = {f.name for f in dataclasses.fields(Card)}
    try:
        card = Card(**{name: value for name, value in fields.items() if name in known})
        labels = tuple(str(label) for label in card.labels)
        batch = None if card.batch is None else (int(card.batch[0]), int(card.batch[1]), int(card.batch[2]))
        below = None if card.confidence_threshold is None else float(card.confidence_threshold)
        card = dataclasses.replace(card, labels=labels, size=int(card.size), batch=batch, confidence_threshold=below)
    except (TypeError, ValueError, IndexError) as error:
        raise UserError(f"{path} is not a card ({error}). Make it again with `make convert`.") from None
    if len(card.labels) < 2 or card.size < 1 or card.precision not in PRECISIONS:
        raise UserError(
            f"{path} is not a card: it needs two labels or more, a size of a pixel or more and a precision of "
            f"{', '.join(PRECISIONS)}. Make it again with `make convert`."
        )
    return card
