"""Files that lie in a dataset's folder: images to leave out, groups of near-duplicates, and the dataset's title."""

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path

from temper.errors import DataError
from temper.escaping import csv_cell, csv_text, original_name, stored_name
from temper.storage.atomic import write_text

# Written by `data/run.py scan`, read by the training stage.
QUARANTINE = "quarantine.csv"
NEAR_DUPLICATES = "near-duplicates.csv"
# Written with the images; reports and the model card show it.
ABOUT = "about.json"


def write_quarantine(folder: Path, reasons: dict[str, str]) -> None:
    """List images, by path relative to the folder, that training leaves out, each with the reason."""
    _write_table(folder / QUARANTINE, ("path", "reason"), reasons.items())


def read_quarantine(folder: Path) -> set[Path]:
    """The images that training leaves out; empty where the folder was not scanned. Raises DataError for no table."""
    return {folder / path for path, _ in _read_table(folder / QUARANTINE)}


def write_near_duplicates(folder: Path, groups: Iterable[list[str]]) -> None:
    """List groups of near-duplicates, by path relative to the folder; a group is named by its first image."""
    rows = [(path, group[0]) for group in groups for path in group]
    _write_table(folder / NEAR_DUPLICATES, ("path", "group"), rows)


def read_near_duplicates(folder: Path) -> dict[Path, str]:
    """The group of each near-duplicate; empty where the folder was not scanned. Raises DataError for no table."""
    return {folder / path: group for path, group in _read_table(folder / NEAR_DUPLICATES)}


def write_about(folder: Path, title: str, n_images: int) -> None:
    """Write the dataset's title, which reports and the model card show."""
    write_text(folder / ABOUT, json.dumps({"title": title, "images": n_images}) + "\n")


def dataset_title(folder: Path) -> str:
    """The dataset's title, or the folder's name where none is written."""
    try:
        return str(json.loads((folder / ABOUT).read_text(encoding="utf-8"))["title"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return folder.resolve().name


def _write_table(target: Path, header: tuple[str, str], rows: Iterable[tuple[str, str]]) -> None:
    text = io.StringIO()
    cells = [[csv_cell(stored_name(cell)) for cell in row] for row in rows]
    csv.writer(text, lineterminator="\n").writerows([header, *cells])
    write_text(target, text.getvalue())


def _read_table(source: Path) -> list[tuple[str, str]]:
    if not source.is_file():
        return []
    try:
        with source.open(encoding="utf-8", newline="") as stream:
            rows = [row for row in csv.reader(stream) if len(row) >= 2 and row[0]]
    except (csv.Error, UnicodeDecodeError) as error:
        fix = "Save it as CSV in UTF-8, or scan the folder again."
        raise DataError(f"{source} is not a table ({error})", fix=fix) from None
    return [(original_name(csv_text(row[0])), original_name(csv_text(row[1]))) for row in rows[1:]]
