"""The page of a scan in a real browser."""

import shutil
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

from data.image_check import IssueKind
from data.scan import Scan, scan
from data.scan_page import MAX_OF_KIND, MEANING, ORDER, scan_page
from experiments.dirty_dataset import plant_issues, write_clean_dataset
from tests.browsing import Open

pytestmark = pytest.mark.programs
HOSTILE = "<img src=x onerror=console.error(1)>"


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Scan:
    """The scan of a dataset with issues of every kind, and more copies than a page shows."""
    folder = write_clean_dataset(tmp_path_factory.mktemp("dirty"))
    plant_issues(folder)
    for index in range(MAX_OF_KIND):
        shutil.copy(folder / "train/dog/2.jpg", folder / f"train/dog/2{HOSTILE}{index}.jpg")
    return scan(folder)


@pytest.fixture(scope="module")
def page(result: Scan) -> Path:
    path = result.folder / "scan.html"
    path.write_text(scan_page(result), encoding="utf-8")
    return path


def test_every_kind_of_issue_has_a_place_and_a_meaning() -> None:
    assert set(ORDER) == set(MEANING) == set(get_args(IssueKind))
    assert len(ORDER) == len(set(ORDER))


def test_the_page_shows_the_issues_of_the_scan_without_a_request_or_an_error(
    page: Path, result: Scan, open_page: Open
) -> None:
    visit = open_page(page.as_uri())
    counts = Counter(each.kind for each in result.issues)
    rows = [row.split("\t") for row in visit.page.locator("#kinds tbody tr").all_inner_texts()]
    assert {row[0]: int(row[1]) for row in rows} == counts
    assert {row[2] for row in rows} == {"left out", "used"}
    assert visit.page.locator(f"text={MAX_OF_KIND} of {counts['duplicate']} shown.").count() == 1
    shown = visit.page.evaluate("[...document.images].map(each => [each.naturalWidth, each.alt])")
    assert all(width > 0 and alt for width, alt in shown)
    assert {"train/cat/leak.jpg", "test/cat/0.jpg", "train/dog/wide.png"} <= {alt for _, alt in shown}
    # An image that cannot be read has a place, its name and the reason.
    assert "train/cat/empty.jpg" in visit.page.locator("figure:has(div:empty)").first.inner_text()
    assert visit.console == []
    assert [url for url in visit.requests if url[:5] != "data:"] == [page.as_uri()]


def test_names_are_text(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "2&lt;img src=x onerror=console.error(1)&gt;" in text
    assert HOSTILE not in text and "<script" not in text


def test_the_keyboard_leads_to_the_images_of_a_kind(page: Path, open_page: Open) -> None:
    visit = open_page(page.as_uri())
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Enter")
    assert visit.page.url.endswith("#kind-1")
    assert visit.page.locator("#kind-1").inner_text() == "leak: 1, left out"


def test_it_follows_the_scheme_of_the_reader_fits_a_phone_and_prints(page: Path, open_page: Open) -> None:
    light = open_page(page.as_uri(), color_scheme="light")
    dark = open_page(page.as_uri(), color_scheme="dark", viewport={"width": 360, "height": 740})
    assert light.lightness() > 600 > 200 > dark.lightness()
    assert dark.overflow() <= 0
    assert dark.page.pdf().startswith(b"%PDF")


def test_a_dataset_without_issues_has_a_page_that_says_so(tmp_path: Path) -> None:
    steps: list[str] = []
    text = scan_page(scan(write_clean_dataset(tmp_path)), lambda step, *_: steps.append(step))
    assert "0 of 16 images have an issue; training leaves 0 out." in text
    assert "No image is unusable" in text
    assert "<img" not in text
    assert steps == []
