"""What is measured: every artifact with a card, in every way its format can be called."""

from dataclasses import dataclass
from pathlib import Path

from temper.card import Card, card_path, read_card
from temper.errors import UserError
from temper.formats import FORMATS, format_of

PLAIN_KERAS = "Keras tf.function"


@dataclass(frozen=True)
class Row:
    """An artifact and a way to call it. Keras rows are named for the call, others for the file."""

    name: str
    artifact: Path
    mode: str
    card: Card


def find_rows(places: list[Path]) -> list[Row]:
    """Rows of artifacts and of folders that hold some, Keras first, then by file name.

    Raises UserError when there is none, and when artifacts come from different models: they could not be compared.
    """
    artifacts = [artifact for place in places for artifact in (_artifacts_in(place) if place.is_dir() else [place])]
    rows = [row for artifact in artifacts for row in _rows_of(artifact)]
    if not rows:
        names = ", ".join(str(place) for place in places)
        raise UserError(f"{names} holds no artifact with a card. Make some with `make train` and `make convert`.")
    for row in rows[1:]:
        if (row.card.labels, row.card.size, row.card.split) != (
            rows[0].card.labels,
            rows[0].card.size,
            rows[0].card.split,
        ):
            raise UserError(
                f"{row.artifact} and {rows[0].artifact} come from different models (labels, size or split differ). "
                "Name the artifacts of one model, or keep each model in a folder of its own."
            )
    return rows


def _artifacts_in(folder: Path) -> list[Path]:
    found = [path for path in folder.iterdir() if _known(path) and card_path(path).exists()]
    order = {each.suffix: i for i, each in enumerate(FORMATS)}
    return sorted(found, key=lambda path: (order[format_of(path).suffix] > 0, path.name))


def _known(path: Path) -> bool:
    return any(path.name.endswith(each.suffix) for each in FORMATS)


def _rows_of(artifact: Path) -> list[Row]:
    card, chosen = read_card(artifact), format_of(artifact)
    if len(chosen.modes) == 1:
        return [Row(artifact.name, artifact, chosen.modes[0], card)]
    return [Row(f"{chosen.title} {mode}", artifact, mode, card) for mode in chosen.modes]
