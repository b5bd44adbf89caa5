"""The page in a real browser: no error, everything drawn, the same values as the report."""

import base64
import html
import io
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from benchmarks.analysis.report import Report
from benchmarks.analysis.statistics import Estimate
from benchmarks.analysis.verdict import with_verdicts
from benchmarks.rendering.html import _thumbnail, as_page
from benchmarks.rendering.table import columns
from tests.benchmarks.sample_reports import KERAS, case_result, report, skipped_case

pytestmark = pytest.mark.programs
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
# What a reader sees, reported by the browser itself.
PROBE = """<script>
const size = e => { const b = e.getBoundingClientRect(); return [b.width, b.height]; };
const box = e => { const b = e.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; };
const seen = {
  plots: Object.fromEntries([...document.querySelectorAll(".plot")].map(e => [e.id, size(e.querySelector("svg"))])),
  marks: [...document.querySelectorAll(".plot [id^=mark-]")].map(size),
  labels: [...document.querySelectorAll("#scatter [id^=label] text")].map(box),
  cells: Object.fromEntries([...document.querySelectorAll("#cases tbody tr")].map(row => [row.dataset.name,
    Object.fromEntries([...row.querySelectorAll("td[data-heading]")].map(
      cell => [cell.dataset.heading, [cell.dataset.value, cell.innerText]]))])),
  images: [...document.images].map(e => e.naturalWidth),
  background: getComputedStyle(document.body).backgroundColor,
  label: getComputedStyle(document.querySelector(".plot text")).fill,
  overflow: document.documentElement.scrollWidth - innerWidth,
};
document.body.innerHTML = "<pre id=seen></pre>"; document.getElementById("seen").textContent = JSON.stringify(seen);
</script>"""


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


@pytest.fixture(scope="module")
def light(page: Path) -> dict[str, Any]:
    return probe(page, "--window-size=1200,900", "--blink-settings=preferredColorScheme=1")


def chromium(*arguments: str) -> subprocess.CompletedProcess[str]:
    if not CHROMIUM:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--hide-scrollbars")
    return subprocess.run([CHROMIUM, *flags, *arguments], capture_output=True, text=True, timeout=60, check=True)


def probe(page: Path, *arguments: str) -> dict[str, Any]:
    probed = page.with_name("probed.html")
    probed.write_text(page.read_text(encoding="utf-8").replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
    process = chromium(*arguments, "--dump-dom", probed.as_uri())
    assert "CONSOLE" not in process.stderr
    match = re.search(r'<pre id="seen">(.*?)</pre>', process.stdout, re.DOTALL)
    assert match
    seen: dict[str, Any] = json.loads(html.unescape(match[1]))
    return seen


def lightness(color: str) -> int:
    return sum(int(number) for number in re.findall(r"\d+", color)[:3])


def test_everything_is_drawn_and_visible_in_a_browser(light: dict[str, Any]) -> None:
    assert set(light["plots"]) == {"scatter", "distributions", "throughput"}
    assert all(width > 600 and height > 80 for width, height in light["plots"].values())
    assert len(light["marks"]) == 3 * 3
    assert all(width > 1 and height > 1 for width, height in light["marks"])
    assert light["images"] == [112, 112, 112]
    assert light["overflow"] <= 0


def test_labels_do_not_overlap_in_the_fonts_of_the_browser(light: dict[str, Any]) -> None:
    boxes = light["labels"]
    assert len(boxes) == 3
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_the_cells_in_the_browser_equal_the_report(light: dict[str, Any], made: Report) -> None:
    assert list(light["cells"]) == [case.name for case in made.cases]
    for case in made.cases:
        for column in columns(made):
            value, text = light["cells"][case.name][column.heading]
            assert (float(value) if value else None) == column.value(case)
            assert text.replace("\n", " ") == column.text(case)


def test_page_and_plots_follow_the_scheme_of_the_reader_and_fit_a_phone(page: Path, light: dict[str, Any]) -> None:
    dark = probe(page, "--window-size=500,900", "--blink-settings=preferredColorScheme=0")
    assert lightness(light["background"]) > 600 > 200 > lightness(dark["background"])
    assert lightness(light["label"]) < 330 < 400 < lightness(dark["label"])
    assert dark["overflow"] <= 0


def test_an_error_of_the_page_would_be_noticed(page: Path) -> None:
    broken = page.with_name("broken.html")
    broken.write_text("<script>console.error('no'); undefined.x;</script>", encoding="utf-8")
    assert "CONSOLE" in chromium("--dump-dom", broken.as_uri()).stderr


def test_it_prints(page: Path) -> None:
    printed = page.with_suffix(".pdf")
    chromium(f"--print-to-pdf={printed}", page.as_uri())
    assert printed.read_bytes().startswith(b"%PDF")


def test_it_contains_everything_it_needs_and_escapes_names(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "Temper on &lt;images&gt; &amp; more" in text
    assert "&lt;dog&gt;" in text
    assert not re.search(r"(?<!:)\b(src|href)=\"(?!data:)", text)
    assert "<script" not in text


def test_images_are_left_out_on_request(made: Report) -> None:
    text = as_page(made, {})
    assert "<img" not in text
    assert "cat/1.jpg" in text


def test_a_thumbnail_shows_what_the_network_sees(tmp_path: Path) -> None:
    """White behind transparent pixels; and nothing of a format that is not decoded."""
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(tmp_path / "a.png")
    Image.new("RGB", (20, 20)).save(tmp_path / "b.png", "PPM")
    content = base64.b64decode(_thumbnail(tmp_path / "a.png").partition(",")[2])
    assert np.asarray(Image.open(io.BytesIO(content)))[10, 10].min() > 250
    assert not _thumbnail(tmp_path / "b.png")


def test_a_report_with_nothing_measured_is_still_a_page(made: Report) -> None:
    text = as_page(msgspec.structs.replace(made, cases=made.cases[-1:]), {})
    assert "did not run: no GPU here" in text
    assert "<svg" not in text
