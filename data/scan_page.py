"""The page of a scan: what was found, with the images, as one HTML file that needs no connection."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

from data.image_check import MIN_PIXELS, Issue, IssueKind
from data.scan import LEAKS, QUARANTINED, Scan
from pages.render import render_page
from pages.thumbnails import CaptionedImage, thumbnail_of_file
from temper.cli.progress import ProgressCallback, no_progress
from temper.cli.text import plural
from temper.dataset.listing import dataset_title

TEMPLATE = Path(__file__).with_name("scan.html")
# Beside the lists that training reads.
PAGE = "scan.html"
# About 4 kB each, and twice as much where another image is beside it.
MAX_OF_KIND = 24
STEP = "making the page (images)"
# The most harmful ones first.
ORDER: tuple[IssueKind, ...] = tuple(dict.fromkeys((*LEAKS, *QUARANTINED, *get_args(IssueKind))))
MEANING: dict[IssueKind, str] = {
    "leak": "In train/ and in test/: the accuracy would be too high.",
    "near-duplicate leak": "Nearly equal to an image of the other subset: the accuracy would be too high.",
    "empty": "No bytes.",
    "unreadable": "No image that can be decoded.",
    "too small": f"Less than {MIN_PIXELS} pixels high or wide.",
    "duplicate": "Equal to an image of the same label; that one is used.",
    "label conflict": "Equal images with different labels: at most one label is right, and both images are left out.",
    "near-duplicate": "Nearly equal to an image of the same subset. Training puts both into one subset.",
    "wrong suffix": "The suffix names another format than the content has. The content counts.",
    "animated": "Several frames. The first one is used.",
    "EXIF rotation": "Shown, and used, as the tag says.",
    "transparency": "Composited on white.",
    "CMYK": "Converted to RGB.",
    "16 bits": "Converted to 8 bits.",
}
PAIRS: tuple[IssueKind, ...] = (*LEAKS, "duplicate", "label conflict", "near-duplicate")


def scan_page(result: Scan, progress: ProgressCallback = no_progress) -> str:
    """The page of a scan. Reads at most MAX_OF_KIND images of each kind of issue again, for thumbnails."""
    by_kind: dict[IssueKind, list[Issue]] = defaultdict(list)
    for each in result.issues:
        by_kind[each.kind].append(each)
    shown = {kind: by_kind[kind][:MAX_OF_KIND] for kind in ORDER if kind in by_kind}
    thumbnails = _thumbnails(
        (path for issues in shown.values() for each in issues for path in _files(result.folder, each)), progress
    )
    most = max(result.counts.values())
    affected, total = len({each.path for each in result.issues}), result.counts.total()
    return render_page(
        TEMPLATE,
        title=dataset_title(result.folder),
        headline=f"{affected:,} of {plural(total, 'image')} {'has' if affected == 1 else 'have'} an issue; training "
        f"leaves {len(result.quarantine):,} out.",
        n_leaks=result.n_leaks,
        kinds=[(kind, kind in QUARANTINED, MEANING[kind], len(by_kind[kind])) for kind in shown],
        galleries={
            kind: [_image(result.folder, each, thumbnails) for each in issues] for kind, issues in shown.items()
        },
        folders=[(name, count, count / most) for name, count in sorted(result.counts.items())],
    )


def _thumbnails(paths: Iterable[Path], progress: ProgressCallback) -> dict[Path, str]:
    distinct, made = list(dict.fromkeys(paths)), dict[Path, str]()
    with ThreadPoolExecutor() as pool:
        for path, source in zip(distinct, pool.map(thumbnail_of_file, distinct), strict=True):
            made[path] = source
            progress(STEP, len(made), len(distinct))
    return made


def _files(folder: Path, issue: Issue) -> Iterator[Path]:
    """The image, and the one that it equals or resembles."""
    yield issue.path
    if issue.kind in PAIRS:
        yield folder / issue.detail


def _image(folder: Path, issue: Issue, thumbnails: dict[Path, str]) -> CaptionedImage:
    files = [(path, path.relative_to(folder).as_posix()) for path in _files(folder, issue)]
    sources = tuple((thumbnails[path], name) for path, name in files)
    names = tuple(name for _, name in files)
    return CaptionedImage(sources, names if len(names) > 1 or not issue.detail else (*names, issue.detail))
