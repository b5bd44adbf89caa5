"""Look pictures over before they are trained on: what is broken, odd, double, or in two parts at once."""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from data.image_check import Fault, Finding, Look, look_at
from temper.errors import UserError
from temper.images import SUFFIXES, images_in
from temper.storage.atomic import write_text

# Read by the training stage: pictures it leaves out, and pictures it keeps in one part together.
QUARANTINE = "quarantine.csv"
LOOK_ALIKES = "look-alikes.csv"
# These pictures are left out of training; the others are fine to train on and only told of.
QUARANTINED: tuple[Fault, ...] = ("empty", "unreadable", "tiny", "duplicate", "two labels", "leak", "near leak")
LEAKS: tuple[Fault, ...] = ("leak", "near leak")
# Of 64 bits: photos scaled or compressed again differ in fewer, other photos in about half.
NEAR_BITS = 3


@dataclass(frozen=True)
class Scan:
    """What a scan found: faults, how many pictures lie in each folder, and groups of pictures that look alike.

    alike: of pictures that are not to be left out, each group two or more; each looks like another of its group.
    """

    findings: list[Finding]
    counts: Counter[str]
    alike: list[list[Path]]


def scan(folder: Path, say: Callable[[int, int], None]) -> Scan:
    """Look over every picture below a folder; `say` is told (looked at, all).

    Raises UserError when the folder is missing or has no pictures.
    """
    paths = images_in(folder) if folder.is_dir() else []
    if not paths:
        raise UserError(f"{folder} holds no pictures. Expected a folder with {', '.join(SUFFIXES)} files below it.")
    looks = []
    with ThreadPoolExecutor() as pool:
        for look in pool.map(look_at, paths):
            looks.append(look)
            say(len(looks), len(paths))
    sound = [look for look in looks if look.bits is not None]
    groups = _groups(folder, sound)
    copies = {look.path for group in groups for look in group[1:]}
    single = _held_out_first(folder, (look for look in sound if look.path not in copies))
    near = _near(single)
    findings = [
        *(finding for look in looks for finding in look.faults),
        *(finding for group in groups for finding in _duplicates(folder, group)),
        *_near_duplicates(folder, single, near),
    ]
    left_out = {each.path for each in findings if each.fault in QUARANTINED}
    counts = Counter(path.parent.relative_to(folder).as_posix() for path in paths)
    alike = _alike([look.path for look in single], near, left_out)
    return Scan(sorted(findings, key=lambda each: (each.path, each.fault)), counts, alike)


def write_quarantine(target: Path, folder: Path, findings: list[Finding]) -> int:
    """List the pictures to leave out, with the reason; nothing is moved or deleted. Returns their number."""
    reasons: dict[str, str] = {}
    for each in findings:
        if each.fault in QUARANTINED:
            reasons.setdefault(each.path.relative_to(folder).as_posix(), f"{each.fault} {each.other}".strip())
    _write_table(target, ("path", "reason"), reasons.items())
    return len(reasons)


def write_look_alikes(target: Path, folder: Path, alike: list[list[Path]]) -> int:
    """List the pictures to keep in one part together, each with the first of its group. Returns their number."""
    names = [[path.relative_to(folder).as_posix() for path in group] for group in alike]
    rows = [(name, group[0]) for group in names for name in group]
    _write_table(target, ("path", "group"), rows)
    return len(rows)


def _write_table(target: Path, header: tuple[str, str], rows: Iterable[tuple[str, str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    write_text(target, text.getvalue())


def _groups(folder: Path, looks: list[Look]) -> list[list[Look]]:
    """Looks at equal files, two or more."""
    groups: dict[str, list[Look]] = defaultdict(list)
    for look in _held_out_first(folder, looks):
        groups[look.sha256].append(look)
    return [group for group in groups.values() if len(group) > 1]


def _held_out_first(folder: Path, looks: Iterable[Look]) -> list[Look]:
    # Of two equal pictures the later is left out: it is to be the one that would be trained on.
    return sorted(looks, key=lambda look: (_part(folder, look) != "test", look.path))


def _duplicates(folder: Path, group: list[Look]) -> Iterator[Finding]:
    kept, *copies = group
    mixed = len({look.path.parent.name for look in group}) > 1
    for look in group if mixed else copies:
        other = kept if look is not kept else copies[0]
        crosses = _part(folder, look) != _part(folder, kept)
        fault: Fault = "two labels" if mixed else "leak" if crosses else "duplicate"
        yield Finding(look.path, fault, other.path.relative_to(folder).as_posix())


def _near(looks: list[Look]) -> dict[int, NDArray[np.intp]]:
    """For each look that has any: the earlier ones that look like it, the nearest first."""
    bits = np.array([look.bits for look in looks], dtype=np.uint8)
    found: dict[int, NDArray[np.intp]] = {}
    for index in range(1, len(looks)):
        distance = (bits[:index] != bits[index]).sum(axis=1)
        near = np.flatnonzero(distance <= NEAR_BITS)
        if near.size:
            found[index] = near[distance[near].argsort(kind="stable")]
    return found


def _near_duplicates(folder: Path, looks: list[Look], near: dict[int, NDArray[np.intp]]) -> Iterator[Finding]:
    for index, others in near.items():
        part = _part(folder, looks[index])
        # A held-out picture counts however much nearer one of the same part is.
        across = [other for other in others if _part(folder, looks[other]) != part]
        other = looks[(across or others)[0]].path.relative_to(folder).as_posix()
        yield Finding(looks[index].path, "near leak" if across else "near duplicate", other)


def _alike(paths: list[Path], near: dict[int, NDArray[np.intp]], left_out: set[Path]) -> list[list[Path]]:
    pairs = [(i, j) for i, others in near.items() for j in others if not {paths[i], paths[j]} & left_out]
    if not pairs:
        return []
    rows, columns = np.array(pairs).T
    _, group_of = connected_components(coo_array((np.ones(len(pairs)), (rows, columns)), (len(paths), len(paths))))
    groups: dict[int, list[Path]] = defaultdict(list)
    for path, group in zip(paths, group_of.tolist(), strict=True):
        groups[group].append(path)
    return [sorted(group) for group in groups.values() if len(group) > 1]


def _part(folder: Path, look: Look) -> str:
    """ "train" or "test" where the folder is parted so; else nothing."""
    top = look.path.relative_to(folder).parts[0]
    return top if top in ("train", "test") else ""
