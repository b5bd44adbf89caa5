"""What is written about images whose label is probably wrong: a list, a section of the model card, a line."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from temper.cli.tables import Table
from temper.cli.text import percent, plural
from temper.escaping import csv_cell, in_markdown, stored_name, visible
from temper.storage.atomic import write_text
from train.evaluation.confident_learning import FOLDS
from train.evaluation.suspect_labels import MAX_PAIRS, Suspect, SuspectLabels

HEADER = ("path", "label", "looks_like", "label_probability", "looks_like_probability", "rank")
MAX_IN_LINE, MAX_IN_CARD = 3, 20
REMEDY = (
    "Look at these images, some are only unusual. Move those with a wrong label to the right folder, remove those that "
    "show no label, and train again."
)
METHOD = (
    f"Linear heads that were trained without an image predict its label ({FOLDS}-fold cross-validation on features of\n"
    "the frozen backbone), and confident learning (Northcutt et al., 2021) compares that with its folder."
)
NOT_EXAMINED = (
    "Labels were not examined. That needs a backbone that was not trained on these images: `--trainable head`,\n"
    f"without `--no-suspects`, and with `--force-suspects` where images times labels are more than {MAX_PAIRS:,}."
)


def write_suspects(target: Path, folder: Path, suspects: SuspectLabels) -> None:
    """List all suspects as CSV, paths relative to `folder`, the most suspect first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for rank, each in enumerate(suspects.suspects, start=1):
        names = [csv_cell(stored_name(name)) for name in (_name(each, folder), each.label, each.looks_like)]
        writer.writerow([*names, f"{each.label_probability:.6f}", f"{each.looks_like_probability:.6f}", rank])
    write_text(target, text.getvalue())


def describe_suspects(suspects: SuspectLabels, folder: Path, listing: str) -> str:
    """One line for the terminal: how many, the first ones, and what to do; listing: the name of the CSV file."""
    count, images = len(suspects.suspects), plural(suspects.n_images, "image")
    if not count:
        return f"suspect labels: none of {images}"
    first = [
        f"{_name(each, folder)} ({each.label}, looks like {each.looks_like}: {percent(each.looks_like_probability)})"
        for each in suspects.suspects[:MAX_IN_LINE]
    ]
    more = ", ..." if count > MAX_IN_LINE else ""
    return visible(f"suspect labels: {count:,} of {images}: {', '.join(first)}{more}. See {listing}. {REMEDY}")


def suspects_section(suspects: SuspectLabels | None, folder: Path, stem: str) -> str:
    """The section of the model card; None where no labels were examined. stem: of the model's file."""
    if suspects is None:
        return NOT_EXAMINED
    few = ", ".join(map(in_markdown, suspects.not_examined))
    method = f"{METHOD} Labels with fewer than {FOLDS} different images were not examined: {few}." if few else METHOD
    images, count = plural(suspects.n_images, "image"), len(suspects.suspects)
    if not count:
        return f"None of {images} has a label that is probably wrong. {method}"
    shown = suspects.suspects[:MAX_IN_CARD]
    which = f"The first {len(shown)}" if count > len(shown) else "All of them"
    return (
        f"**{count:,}** of {images} {'has' if count == 1 else 'have'} a label that is probably wrong. {method}\n\n"
        f"{REMEDY}\n{which}, the most suspect first (`{stem}.suspects.csv` lists all, `{stem}.suspects.png` shows the "
        f"first):\n\n{_table(shown, folder).markdown()}"
    )


def _table(suspects: Sequence[Suspect], folder: Path) -> Table:
    headings = ("image", "label", "looks like", "probability of the label", "probability of the other")
    rows = [
        (
            *(in_markdown(text) for text in (_name(each, folder), each.label, each.looks_like)),
            percent(each.label_probability),
            percent(each.looks_like_probability),
        )
        for each in suspects
    ]
    return Table(headings=headings, rows=rows, right=frozenset({3, 4}))


def _name(suspect: Suspect, folder: Path) -> str:
    return suspect.path.relative_to(folder).as_posix()
