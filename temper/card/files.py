"""Cards as files: read with a check of every field, written completely or not at all."""

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from temper.card.messages import in_words
from temper.card.migration import migrate
from temper.card.records import SCHEMA, Card, Preprocessing
from temper.errors import ArtifactError, make_again
from temper.storage.atomic import write_text
from temper.storage.publish import finish_publication
from temper.storage.reading import read_file

# The largest parts are the files of calibration and the images whose label changes, with 100 bytes each: enough for
# 80,000 of them. Reading takes at most 25 times as much memory.
MAX_BYTES = 8 * 2**20
OWN_SHA256 = "card_sha256"
# Fields of schema 2 whose default would be a guess.
EXPLICIT = ("preprocessing", "precision", "sha256")
# What the conversion of a JSON value to a card raises.
INVALID = (
    msgspec.ValidationError, KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError,
)  # fmt: skip


def card_path(artifact: Path) -> Path:
    """Where an artifact's card is: `.json` is appended to the name.

    >>> card_path(Path("model.int8.plan")).name
    'model.int8.plan.json'
    """
    return artifact.with_name(artifact.name + ".json")


def write_card(artifact: Path, card: Card) -> None:
    """Write the card beside the artifact, atomically."""
    finish_publication(artifact)
    write_text(card_path(artifact), card_text(card))


def card_text(card: Card) -> str:
    """The card as JSON with its own checksum, indented, with a line break at the end."""
    fields = sealed(msgspec.to_builtins(card))
    return msgspec.json.format(msgspec.json.encode(fields), indent=2).decode() + "\n"


def sealed(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a card with `card_sha256`: the SHA-256 of all others, as JSON without spaces and with sorted keys.

    It shows damage and edits by hand. Whoever edits a card on purpose can write a new one.
    """
    content = {name: value for name, value in fields.items() if name != OWN_SHA256}
    digest = hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()
    schema = {name: content.pop(name) for name in ("schema",) if name in content}
    return {**content, OWN_SHA256: digest, **schema}


def read_card(artifact: Path) -> Card:
    """Read the card beside an artifact; a card of schema 1 is converted in memory.

    Raises ArtifactError when the artifact or its card is missing, damaged, edited, of an unknown schema, or was made
    with another preprocessing than this version applies.
    """
    return read_card_and_sha256(artifact)[0]


def read_card_and_sha256(artifact: Path) -> tuple[Card, str]:
    """The card beside an artifact, and the SHA-256 of the bytes that it was read from. Raises as `read_card` does."""
    if not artifact.exists():
        raise ArtifactError(f"{artifact} does not exist", fix="Check the path.")
    path = card_path(artifact)
    try:
        content = read_file(path, MAX_BYTES)
        return _card_of(_decode(content, path), path), hashlib.sha256(content).hexdigest()
    except FileNotFoundError:
        raise ArtifactError(
            f"{artifact} has no card: {path.name} was expected beside it",
            fix=f"Copy the card along with the artifact, or {make_again(artifact)}.",
        ) from None
    except OSError as error:
        raise _unreadable(path, error) from None


def read_fields(path: Path) -> Any:
    """The content of a card, unchecked. Raises FileNotFoundError, and ArtifactError for a file that is not JSON."""
    try:
        content = read_file(path, MAX_BYTES)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unreadable(path, error) from None
    return _decode(content, path)


def _decode(content: bytes, path: Path) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> ArtifactError:
    return ArtifactError(f"{path} cannot be read ({error})", fix=f"Copy it again, or {make_again(path)}.")


def _card_of(fields: Any, path: Path) -> Card:
    schema = fields.get("schema") if isinstance(fields, dict) else None
    if schema not in (1, SCHEMA):
        raise ArtifactError(
            f"{path} has card schema {schema!r}; this version reads schemas 1 and {SCHEMA}",
            fix=f"Update Temper, or {make_again(path)}.",
        )
    try:
        if OWN_SHA256 in fields and sealed(fields)[OWN_SHA256] != fields[OWN_SHA256]:
            raise ValueError(f"it is damaged or was edited: {OWN_SHA256} differs")
        missing = [name for name in EXPLICIT if schema == SCHEMA and name not in fields]
        if missing:
            raise ValueError(f"it does not contain {missing[0]}")
        card = msgspec.convert(migrate(fields) if schema == 1 else fields, Card)
    except INVALID as error:
        raise ArtifactError(
            f"{path} is not a valid card ({in_words(error)})", fix=f"Copy it again, or {make_again(path)}."
        ) from None
    if card.preprocessing != Preprocessing():
        raise ArtifactError(
            f"{path}: the artifact expects another preprocessing than this version applies "
            f"({_differences(card.preprocessing)}), so its predictions would be wrong",
            fix="Use the version of Temper that built it, or train and convert again.",
        )
    return card


def _differences(recorded: Preprocessing) -> str:
    names = Preprocessing.__struct_fields__
    pairs = [(name, getattr(recorded, name), getattr(Preprocessing(), name)) for name in names]
    return "; ".join(f"{name}: {value!r} instead of {own!r}" for name, value, own in pairs if value != own)
