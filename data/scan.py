"""Scan a dataset before training: unusable and unusual images, duplicates, and leaks between train and test."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from data.image_check import Inspection, Issue, IssueKind, inspect_image
from data.near_duplicates import Neighbors, find_neighbors, group_neighbors
from temper.cli.progress import ProgressCallback, no_progress
from temper.errors import DataError
from temper.images import SUFFIXES, images_in

LEAKS: tuple[IssueKind, ...] = ("leak", "near-duplicate leak")
# Training leaves these images out; it uses the images with other issues.
QUARANTINED: tuple[IssueKind, ...] = ("empty", "unreadable", "too small", "duplicate", "label conflict", *LEAKS)


@dataclass(frozen=True, kw_only=True)
class Scan:
    """The result of a scan.

    counts: images by folder. near_duplicates: groups of images that resemble each other and are not in quarantine, by
    path relative to the dataset's folder, sorted.
    """

    folder: Path
    issues: list[Issue]
    counts: Counter[str]
    near_duplicates: list[list[str]]

    @property
    def quarantine(self) -> dict[str, str]:
        """Images that training leaves out, by path relative to the dataset's folder, each with the first reason."""
        reasons: dict[str, str] = {}
        for each in self.issues:
            if each.kind in QUARANTINED:
                reasons.setdefault(_name(self.folder, each.path), f"{each.kind} {each.detail}".strip())
        return reasons

    @property
    def n_leaks(self) -> int:
        """Images that are in train/ and in test/, near-duplicates included."""
        return sum(each.kind in LEAKS for each in self.issues)


def scan(folder: Path, progress: ProgressCallback = no_progress) -> Scan:
    """Inspect every image below a folder. Raises DataError when the folder is missing or has no images."""
    paths = images_in(folder) if folder.is_dir() else []
    if not paths:
        raise DataError(f"{folder} has no images", fix=f"Expected files that end in {', '.join(SUFFIXES)} below it.")
    inspections = []
    with ThreadPoolExecutor() as pool:
        for inspection in pool.map(inspect_image, paths):
            inspections.append(inspection)
            progress("scanning (images)", len(inspections), len(paths))
    decoded = _test_first(folder, (each for each in inspections if each.phash is not None))
    groups = _equal_files(decoded)
    copies = {each.path for group in groups for each in group[1:]}
    distinct = [each for each in decoded if each.path not in copies]
    neighbors = find_neighbors([each.phash for each in distinct if each.phash is not None])
    issues = [
        *(issue for each in inspections for issue in each.issues),
        *(issue for group in groups for issue in _duplicate_issues(folder, group)),
        *_near_duplicate_issues(folder, distinct, neighbors),
    ]
    quarantined = {each.path for each in issues if each.kind in QUARANTINED}
    excluded = {index for index, each in enumerate(distinct) if each.path in quarantined}
    return Scan(
        folder=folder,
        issues=sorted(issues, key=lambda each: (each.path, each.kind)),
        counts=Counter(_name(folder, path.parent) for path in paths),
        near_duplicates=[
            sorted(_name(folder, distinct[index].path) for index in group)
            for group in group_neighbors(neighbors, excluded)
        ],
    )


def _test_first(folder: Path, inspections: Iterable[Inspection]) -> list[Inspection]:
    # The later one of two equal images is left out: this must be the one that would be trained on.
    return sorted(inspections, key=lambda each: (_subset(folder, each.path) != "test", each.path))


def _equal_files(inspections: list[Inspection]) -> list[list[Inspection]]:
    groups: dict[str, list[Inspection]] = defaultdict(list)
    for each in inspections:
        groups[each.sha256].append(each)
    return [group for group in groups.values() if len(group) > 1]


def _duplicate_issues(folder: Path, group: list[Inspection]) -> Iterator[Issue]:
    first, *copies = (each.path for each in group)
    has_conflict = len({each.path.parent.name for each in group}) > 1
    for path in [first, *copies] if has_conflict else copies:
        other = copies[0] if path == first else first
        is_leak = _subset(folder, path) != _subset(folder, first)
        kind: IssueKind = "label conflict" if has_conflict else "leak" if is_leak else "duplicate"
        yield Issue(path=path, kind=kind, detail=_name(folder, other))


def _near_duplicate_issues(folder: Path, inspections: list[Inspection], neighbors: Neighbors) -> Iterator[Issue]:
    paths = [each.path for each in inspections]
    for index, others in neighbors.items():
        # An image of the other subset counts, even if one of the same subset is nearer.
        across = [other for other in others if _subset(folder, paths[other]) != _subset(folder, paths[index])]
        nearest = paths[(across or others)[0]]
        kind: IssueKind = "near-duplicate leak" if across else "near-duplicate"
        yield Issue(path=paths[index], kind=kind, detail=_name(folder, nearest))


def _subset(folder: Path, path: Path) -> str:
    """The "train" or "test" folder that an image is in; empty where the dataset has no such folders."""
    top = path.relative_to(folder).parts[0]
    return top if top in ("train", "test") else ""


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()
