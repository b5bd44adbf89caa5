"""Pictures that must not be in two parts at once: equal ones, and those that a scan found to look alike."""

import csv
from pathlib import Path

from temper.dataset.split import Example
from temper.errors import UserError

# Written by `data/run.py scan`, columns path and group.
LOOK_ALIKES = "look-alikes.csv"


def groups_of(folder: Path) -> dict[Path, str]:
    """The group of each picture that looks like another one, as a scan of the folder listed them."""
    listed = folder / LOOK_ALIKES
    if not listed.is_file():
        return {}
    with listed.open(encoding="utf-8", newline="") as stream:
        return {folder / row["path"]: row.get("group") or "" for row in csv.DictReader(stream) if row.get("path")}


def together(shares: dict[Path, float], groups: dict[Path, str]) -> dict[Path, float]:
    """The shares, but every picture of a group has its group's smallest."""
    least: dict[str, float] = {}
    for path, number in shares.items():
        if group := groups.get(path):
            least[group] = min(number, least.get(group, number))
    return {path: least.get(groups.get(path, ""), number) for path, number in shares.items()}


def find_leaks(examples: list[Example], groups: dict[Path, str]) -> list[tuple[Example, Example]]:
    """Pictures that equal, or look like, the first of theirs while they are in another part; with that first one."""
    first: dict[str, Example] = {}
    leaks: list[tuple[Example, Example]] = []
    for each in examples:
        for key in (each.sha256, groups.get(each.path)):
            if key and first.setdefault(key, each).part != each.part:
                leaks.append((each, first[key]))
                break
    return leaks


def refuse_leaks(examples: list[Example], folder: Path) -> None:
    """Raise UserError when a picture is in two parts."""
    if leaks := find_leaks(examples, groups_of(folder)):
        one, other = leaks[0]
        raise UserError(
            f"{len(leaks):,} picture(s) are in two parts at once, which flatters the accuracy: {one.path} ({one.part}) "
            f"is {other.path} ({other.part}), for one. `python data/run.py scan {folder}` lists copies so that "
            "training leaves them out; --accept-leaks trains all the same, and the model card says so."
        )


def leaks_in_words(examples: list[Example], folder: Path) -> str:
    """What the model card says of pictures in two parts, as half a sentence."""
    if leaks := find_leaks(examples, groups_of(folder)):
        return f"**{len(leaks):,} of them in two parts at once, which flatters the accuracy below**"
    if (folder / LOOK_ALIKES).is_file():
        return "no picture in two parts, and as far as a scan found none that looks like one of another part"
    return "no picture in two parts (whether some look alike was not asked: `data/run.py scan` would)"
