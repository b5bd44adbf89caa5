"""The labels of an adopted model, in the order of its output."""

from pathlib import Path

from temper.cli.text import plural
from temper.dataset.split import Example
from temper.errors import DataError, UsageError

MAX_LISTED = 5
CHECK = "Check the path, or name the labels: --labels cat,dog."


def read_labels(text: str) -> tuple[str, ...]:
    """Labels of a comma-separated list, or of a text file with one on each line.

    Raises UsageError for fewer than two, for a label that is listed twice, and for the path of a file that is missing.

    >>> read_labels("cat, dog")
    ('cat', 'dog')
    """
    path = Path(text)
    is_file = _is_file(path)
    if "," not in text and (path.suffix or path.name != text) and not is_file:
        raise UsageError(f"--labels {text} is no file. Expected a text file with one label on each line", fix=CHECK)
    words = _lines(path) if is_file else text.split(",")
    labels = tuple(word.strip() for word in words if word.strip())
    if len(labels) < 2:
        raise UsageError(
            f"--labels {text!r} names {plural(len(labels), 'label')}",
            fix="Name two or more, in the order of the output: --labels cat,dog, or a text file with one on each line.",
        )
    if twice := sorted({each for each in labels if labels.count(each) > 1}):
        raise UsageError(f"--labels names {_listed(twice)} twice", fix="Give each label a name of its own.")
    return labels


def match_labels(labels: tuple[str, ...], examples: list[Example], outputs: int, name: str) -> None:
    """Raise UsageError when the number of labels is not that of the outputs, DataError for folders that are no labels.

    outputs: of the model; one output decides between two labels. name: of the model.
    """
    expected = 2 if outputs == 1 else outputs
    if len(labels) != expected:
        raise UsageError(
            f"{name} gives {plural(outputs, 'number')} for each image, so it has {expected} labels, not {len(labels)}",
            fix="Name all labels in the order of the output, in a text file with one on each line: --labels FILE.",
        )
    if unknown := sorted({each.label for each in examples} - set(labels)):
        raise DataError(
            f"the images are in folders that are no labels of {name}: {_listed(unknown)}",
            fix=f"Rename the folders to labels ({_listed(labels)}), or leave them out.",
        )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # The names of many labels together are too long for a file name.
        return False


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read ({error})", fix="Name a text file in UTF-8.") from None


def _listed(names: list[str] | tuple[str, ...]) -> str:
    rest = len(names) - MAX_LISTED
    return ", ".join(names[:MAX_LISTED]) + (f" and {rest} more" if rest > 0 else "")
