"""What is measured: every artifact with a card, in every way its format can be called."""

from dataclasses import dataclass
from pathlib import Path

from temper.card import Card, card_path, read_card
from temper.errors import UserError
from temper.formats import FORMATS, format_of

PLAIN_MODE = "predict"
# What speed-ups are told against, the first that runs here: Keras called well, not called badly.
REFERENCE_MODES = ("tf.function", "XLA", "predict_on_batch", PLAIN_MODE)
QUICK_MODES = ("tf.function", PLAIN_MODE)


@dataclass(frozen=True)
class Row:
    """An artifact and a way to call it. Keras rows are named for the call, others for the file.

    control: this is a second process of another row, whose ratio to the first must be 1.
    """

    name: str
    artifact: Path
    mode: str
    card: Card
    control: bool = False

    @property
    def is_keras(self) -> bool:
        """True for a Keras model, however it is called."""
        return format_of(self.artifact).suffix == ".keras"


def find_rows(places: list[Path], quick: bool = False) -> list[Row]:
    """Rows of artifacts and of folders that hold some, Keras first, then by file name.

    quick: leave out the rarer ways to call Keras. Raises UserError when there is no artifact, and when artifacts
    come from different models: they could not be compared.
    """
    artifacts = [artifact for place in places for artifact in (_artifacts_in(place) if place.is_dir() else [place])]
    rows = [row for artifact in dict.fromkeys(artifacts) for row in _rows_of(artifact, quick)]
    if not rows:
        names = ", ".join(str(place) for place in places)
        raise UserError(f"{names} holds no artifact with a card. Make some with `make train` and `make convert`.")
    for row in rows[1:]:
        if _model(row.card) != _model(rows[0].card):
            raise UserError(
                f"{row.artifact} and {rows[0].artifact} come from different models (labels, size or split differ). "
                "Name the artifacts of one model, or keep each model in a folder of its own."
            )
    return rows


def reference_of(rows: list[Row]) -> Row | None:
    """Keras under `tf.function`, or the next best way to call it that is among the rows."""
    return min((row for row in rows if row.is_keras), key=lambda row: REFERENCE_MODES.index(row.mode), default=None)


def controlled(rows: list[Row]) -> Row:
    """The row to run twice: int8 if there is one, since noise weighs most on short calls, and better not Keras."""
    return min(rows, key=lambda row: (row.is_keras, row.card.precision != "int8", rows.index(row)))


def _model(card: Card) -> tuple[object, ...]:
    return card.labels, card.size, card.split.get("sha256")


def _artifacts_in(folder: Path) -> list[Path]:
    found = [path for path in folder.iterdir() if _known(path) and card_path(path).exists()]
    order = {each.suffix: i for i, each in enumerate(FORMATS)}
    return sorted(found, key=lambda path: (order[format_of(path).suffix] > 0, path.name))


def _known(path: Path) -> bool:
    return any(path.name.endswith(each.suffix) for each in FORMATS)


def _rows_of(artifact: Path, quick: bool) -> list[Row]:
    card, chosen = read_card(artifact), format_of(artifact)
    if len(chosen.modes) == 1:
        return [Row(artifact.name, artifact, chosen.modes[0], card)]
    modes = [mode for mode in chosen.modes if not quick or mode in QUICK_MODES]
    stem = "" if artifact.stem == "model" else f" ({artifact.name})"
    return [Row(f"{chosen.title} {mode}{stem}", artifact, mode, card) for mode in modes]
