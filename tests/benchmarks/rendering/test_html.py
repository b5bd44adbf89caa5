"""The page in a real browser: no error, everything drawn, the same values as the report."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

from benchmarks.analysis.report import Report
from benchmarks.analysis.statistics import Estimate
from benchmarks.analysis.verdict import with_verdicts
from benchmarks.rendering.html import MAX_FLIPS, as_page
from benchmarks.rendering.table import columns
from tests.benchmarks.sample_reports import KERAS, case_result, report, skipped_case
from tests.browsing import Open

pytestmark = pytest.mark.programs
# What a reader sees, reported by the browser itself.
PROBE = """() => {
  const size = e => { const b = e.getBoundingClientRect(); return [b.width, b.height]; };
  const box = e => { const b = e.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; };
  return {
    plots: Object.fromEntries([...document.querySelectorAll(".plot")].map(e => [e.id, size(e.querySelector("svg"))])),
    marks: [...document.querySelectorAll(".plot [id^=mark-]")].map(size),
    labels: [...document.querySelectorAll("#scatter [id^=label] text")].map(box),
    cells: Object.fromEntries([...document.querySelectorAll("#cases tbody tr")].map(row => [row.dataset.name,
      Object.fromEntries([...row.querySelectorAll("td[data-heading]")].map(
        cell => [cell.dataset.heading, [cell.dataset.value, cell.innerText]]))])),
    images: [...document.images].map(e => e.naturalWidth),
  };
}"""


@pytest.fixture(scope="module")
def made() -> Report:
    cases = (
        case_result(KERAS, 80),
        case_result("model.fp32.onnx", 40, Estimate(2.0, 1.9, 2.1), Estimate(0.0, -0.002, 0.002)),
        case_result("model.int8.onnx", 39, Estimate(4.6, 4.4, 4.8), Estimate(0.001, 0.0, 0.003), "int8"),
        skipped_case("model.plan"),
    )
    return with_verdicts(report(*cases))


@pytest.fixture(scope="module")
def page(made: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    image = folder / "1.jpg"
    Image.new("RGB", (300, 200), "teal").save(image)
    path = folder / "report.html"
    path.write_text(as_page(made, {"cat/1.jpg": image}), encoding="utf-8")
    return path


def test_everything_is_drawn_and_visible_in_a_browser_without_a_request_or_an_error(
    page: Path, open_page: Open
) -> None:
    visit = open_page(page.as_uri(), viewport={"width": 1200, "height": 900})
    seen: dict[str, Any] = visit.page.evaluate(PROBE)
    assert set(seen["plots"]) == {"scatter", "distributions", "throughput"}
    assert all(width > 600 and height > 80 for width, height in seen["plots"].values())
    assert len(seen["marks"]) == 3 * 3
    assert all(width > 1 and height > 1 for width, height in seen["marks"])
    assert seen["images"] == [112, 112, 112]
    assert visit.overflow() <= 0
    assert visit.console == []
    assert [url for url in visit.requests if not url.startswith("data:")] == [page.as_uri()]


def test_labels_do_not_overlap_in_the_fonts_of_the_browser(page: Path, open_page: Open) -> None:
    boxes = open_page(page.as_uri()).page.evaluate(PROBE)["labels"]
    assert len(boxes) == 3
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_the_cells_in_the_browser_equal_the_report(page: Path, open_page: Open, made: Report) -> None:
    cells = open_page(page.as_uri()).page.evaluate(PROBE)["cells"]
    assert list(cells) == [case.name for case in made.cases]
    for case in made.cases:
        for column in columns(made):
            value, text = cells[case.name][column.heading]
            assert (float(value) if value else None) == column.value(case)
            assert text.replace("\n", " ") == column.text(case)


def test_page_and_plots_follow_the_scheme_of_the_reader_and_fit_a_phone(page: Path, open_page: Open) -> None:
    light = open_page(page.as_uri(), color_scheme="light")
    dark = open_page(page.as_uri(), color_scheme="dark", viewport={"width": 360, "height": 740})
    assert light.lightness() > 600 > 200 > dark.lightness()
    assert light.lightness(".plot text", "fill") < 330 < 400 < dark.lightness(".plot text", "fill")
    assert dark.overflow() <= 0


def test_an_error_of_the_page_would_be_noticed(page: Path, open_page: Open) -> None:
    broken = page.with_name("broken.html")
    broken.write_text("<script>console.error('no'); undefined.x;</script>", encoding="utf-8")
    assert len(open_page(broken.as_uri()).console) == 2


def test_it_prints(page: Path, open_page: Open) -> None:
    assert open_page(page.as_uri()).page.pdf().startswith(b"%PDF")


def test_it_contains_everything_it_needs_and_escapes_names(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "Temper on &lt;images&gt; &amp; more" in text
    assert "&lt;dog&gt;" in text
    assert not re.search(r"(?<!:)\b(src|href)=\"(?!data:)", text)
    assert "<script" not in text


def test_images_are_left_out_on_request(made: Report) -> None:
    text = as_page(made, {})
    assert "<img" not in text
    assert "<figure>\n<figcaption>cat/<wbr>1.jpg<br>" in text


def test_the_page_says_how_many_images_with_another_label_there_are(made: Report) -> None:
    case = made.cases[1]
    assert case.accuracy
    flips = case.accuracy.flips * (MAX_FLIPS + 1)
    accuracy = msgspec.structs.replace(case.accuracy, flips=flips)
    text = as_page(msgspec.structs.replace(made, cases=(msgspec.structs.replace(case, accuracy=accuracy),)), {})
    assert f"{MAX_FLIPS} of {MAX_FLIPS + 1} shown." in text
    assert text.count("<figure>") == MAX_FLIPS


def test_a_report_with_nothing_measured_is_still_a_page(made: Report) -> None:
    text = as_page(msgspec.structs.replace(made, cases=made.cases[-1:]), {})
    assert "did not run: no GPU here" in text
    assert "<svg" not in text
