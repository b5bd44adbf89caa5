"""Which images a dataset has and which subset each belongs to."""

import logging
from collections import defaultdict
from pathlib import Path

from temper.cli.text import plural
from temper.dataset.listing import QUARANTINE, read_near_duplicates, read_quarantine
from temper.dataset.split import SUBSETS, Example, Subset, split_fraction
from temper.errors import DataError
from temper.images import labeled_images
from temper.storage.digest import sha256_of

LOGGER = logging.getLogger("temper.dataset")


def find_examples(folder: Path, held_out_fraction: float, seed: int) -> list[Example]:
    """Every image of a folder with its label and subset, in the order of subset, label and path.

    With one folder for each label, `held_out_fraction` of the images is not for training: half is val, half is test.
    With train/ and test/, `held_out_fraction` of train/ is val, and test/ is the test subset.
    Images in quarantine.csv are left out; a group in near-duplicates.csv stays in one subset, unless its label has no
    other images for a subset.
    Raises DataError for a missing or empty folder, fewer than two labels, different labels in train/ and test/, too few
    images of a label, and a label of which none is left.
    """
    quarantine = read_quarantine(folder)
    if quarantine:
        LOGGER.info("%s left out because of %s", plural(len(quarantine), "image"), folder / QUARANTINE)
    if not ((folder / "train").is_dir() and (folder / "test").is_dir()):
        bounds: dict[Subset, float] = {"test": held_out_fraction / 2, "val": held_out_fraction}
        return _in_order(_split(folder, _usable(folder, quarantine), bounds, seed))
    train, test = (_usable(folder / name, quarantine) for name in ("train", "test"))
    if difference := {label for _, label in train} ^ {label for _, label in test}:
        raise DataError(
            f"{folder}/train and {folder}/test have different labels (only one of them has "
            f"{', '.join(sorted(difference))}). Expected the same folders in both",
            fix="Rename or remove folders.",
        )
    held_out = [Example(path=path, label=label, subset="test", sha256=sha256_of(path)) for path, label in test]
    return _in_order(_split(folder, train, {"val": held_out_fraction}, seed) + held_out)


def _usable(folder: Path, quarantine: set[Path]) -> list[tuple[Path, str]]:
    images = labeled_images(folder)
    usable = [(path, label) for path, label in images if path not in quarantine]
    if lost := {label for _, label in images} - {label for _, label in usable}:
        raise DataError(
            f"every image of {', '.join(sorted(lost))} in {folder} is left out because of {QUARANTINE}",
            fix="Add images, or remove the lines of those that are to be used.",
        )
    return usable


def _split(root: Path, images: list[tuple[Path, str]], bounds: dict[Subset, float], seed: int) -> list[Example]:
    hashes = {path: sha256_of(path) for path, _ in images}
    fractions = {path: split_fraction(sha256, seed) for path, sha256 in hashes.items()}
    fractions = unify_groups(fractions, read_near_duplicates(root))
    by_label: dict[str, list[tuple[float, Path, str]]] = defaultdict(list)
    for path, label in images:
        by_label[label].append((fractions[path], path, hashes[path]))
    return [example for label, rows in by_label.items() for example in _split_label(label, sorted(rows), bounds)]


def _split_label(label: str, rows: list[tuple[float, Path, str]], bounds: dict[Subset, float]) -> list[Example]:
    """Assign one label's images, sorted by fraction, to subsets by upper bounds: an added image moves no other one."""
    if len(rows) <= len(bounds):
        raise DataError(
            f"{label} has {plural(len(rows), 'image')} (the first: {rows[0][1]}). Expected {len(bounds) + 1} or more: "
            "at least one to train on and one for each held-out subset",
            fix="Add images, or remove the folder.",
        )
    examples: list[Example] = []
    for index, (subset, bound) in enumerate(bounds.items()):
        start, remaining = len(examples), len(bounds) - index
        # With few images a subset could be empty: it then gets the one nearest to its bound, and leaves one to others.
        inside = sum(fraction < bound for fraction, _, _ in rows[start:])
        most = len(rows) - start - remaining
        count = min(max(inside, 1), most)
        # Near-duplicates have the same fraction.
        while count < most and rows[start + count][0] == rows[start + count - 1][0]:
            count += 1
        examples += [_example(row, label, subset) for row in rows[start : start + count]]
    return examples + [_example(row, label, "train") for row in rows[len(examples) :]]


def _example(row: tuple[float, Path, str], label: str, subset: Subset) -> Example:
    return Example(path=row[1], label=label, subset=subset, sha256=row[2])


def unify_groups(fractions: dict[Path, float], groups: dict[Path, str]) -> dict[Path, float]:
    """The split fractions, where all images of a group get the smallest fraction of their group."""
    smallest: dict[str, float] = {}
    for path, fraction in fractions.items():
        if group := groups.get(path):
            smallest[group] = min(fraction, smallest.get(group, fraction))
    return {path: smallest.get(groups.get(path, ""), fraction) for path, fraction in fractions.items()}


def _in_order(examples: list[Example]) -> list[Example]:
    return sorted(examples, key=lambda each: (SUBSETS.index(each.subset), each.label, each.path))
