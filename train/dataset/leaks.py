"""Images that must not be in two subsets: equal files, and near-duplicates that a scan listed."""

from pathlib import Path

from temper.cli.text import plural
from temper.dataset.listing import NEAR_DUPLICATES, read_near_duplicates
from temper.dataset.split import Example
from temper.errors import DataError


def find_leaks(examples: list[Example], groups: dict[Path, str]) -> list[tuple[Example, Example]]:
    """Images that equal an earlier image of another subset, or are its near-duplicate; each with the earlier one."""
    first: dict[str, Example] = {}
    leaks: list[tuple[Example, Example]] = []
    for each in examples:
        for key in (each.sha256, groups.get(each.path)):
            if key and first.setdefault(key, each).subset != each.subset:
                leaks.append((each, first[key]))
                break
    return leaks


def check_leaks(examples: list[Example], folder: Path) -> None:
    """Raise DataError when an image is in two subsets."""
    if leaks := find_leaks(examples, read_near_duplicates(folder)):
        one, other = leaks[0]
        relation = "is the same image as" if one.sha256 == other.sha256 else "is nearly equal to"
        raise DataError(
            f"{plural(len(leaks), 'image is', 'images are')} in two subsets, so the accuracy would be too high. "
            f"The first: {one.path} ({one.subset}) {relation} {other.path} ({other.subset})",
            fix=f"`python data/run.py scan {folder}` lists copies, and training then leaves them out. --accept-leaks "
            "trains all the same, and the model card reports it.",
        )


def describe_leaks(examples: list[Example], folder: Path) -> str:
    """What the model card reports about images in two subsets, as a part of a sentence."""
    if leaks := find_leaks(examples, read_near_duplicates(folder)):
        return f"**{len(leaks):,} of them in two subsets, so the accuracy below is too high**"
    if (folder / NEAR_DUPLICATES).is_file():
        return "no image in two subsets, and no near-duplicate of an image in another subset as far as a scan detects"
    return "no image in two subsets (near-duplicates were not searched for; `data/run.py scan` does)"
