"""The page in a real browser: nothing to complain of, everything drawn, the same figures as the record."""

import dataclasses
import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks.analysis.report import Report
from benchmarks.analysis.statistics import Estimate
from benchmarks.analysis.verdict import with_verdicts
from benchmarks.rendering.html import as_page
from benchmarks.rendering.table import columns
from tests.benchmarks.made import KERAS, line, report

pytestmark = pytest.mark.programs
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
# What a reader would see, told by the browser itself.
PROBE = """<script>
const size = e => { const b = e.getBoundingClientRect(); return [b.width, b.height]; };
const told = {
  charts: Object.fromEntries([...document.querySelectorAll("svg")].map(e => [e.id, size(e)])),
  marks: [...document.querySelectorAll("svg .mark, svg .area")].map(size),
  cells: Object.fromEntries([...document.querySelectorAll("#rows tbody tr")].map(row => [row.dataset.name,
    Object.fromEntries([...row.querySelectorAll("td[data-head]")].map(
      cell => [cell.dataset.head, [cell.dataset.value, cell.innerText]]))])),
  images: [...document.images].map(e => e.naturalWidth),
  background: getComputedStyle(document.body).backgroundColor,
  wide: document.documentElement.scrollWidth - innerWidth,
};
document.body.innerHTML = "<pre id=told></pre>"; document.getElementById("told").textContent = JSON.stringify(told);
</script>"""


@pytest.fixture(scope="module")
def made() -> Report:
    skipped = dataclasses.replace(
        line("model.plan", 1, None), skipped="no GPU here", accuracy=None, latency=None, throughput=()
    )
    rows = (
        line(KERAS, 80, None),
        line("model.fp32.onnx", 40, Estimate(2.0, 1.9, 2.1), Estimate(0.0, -0.002, 0.002)),
        line("model.int8.onnx", 17, Estimate(4.6, 4.4, 4.8), Estimate(0.001, 0.0, 0.003), "int8"),
        skipped,
    )
    return with_verdicts(report(*rows))


@pytest.fixture(scope="module")
def page(made: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    picture = folder / "1.jpg"
    Image.new("RGB", (300, 200), "teal").save(picture)
    path = folder / "report.html"
    path.write_text(as_page(made, {"cat/1.jpg": picture}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def by_day(page: Path) -> dict[str, Any]:
    return look(page, "--window-size=1200,900", "--blink-settings=preferredColorScheme=1")


def chromium(*words: str) -> subprocess.CompletedProcess[str]:
    if not CHROMIUM:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--hide-scrollbars")
    return subprocess.run([CHROMIUM, *flags, *words], capture_output=True, text=True, timeout=60, check=True)


def look(page: Path, *words: str) -> dict[str, Any]:
    probed = page.with_name("probed.html")
    probed.write_text(page.read_text(encoding="utf-8").replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
    done = chromium(*words, "--dump-dom", probed.as_uri())
    assert "CONSOLE" not in done.stderr
    found = re.search(r'<pre id="told">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found
    told: dict[str, Any] = json.loads(html.unescape(found[1]))
    return told


def lightness(told: dict[str, Any]) -> int:
    return sum(int(number) for number in re.findall(r"\d+", told["background"])[:3])


def test_everything_is_drawn_and_shown_in_a_browser(by_day: dict[str, Any]) -> None:
    assert set(by_day["charts"]) == {"scatter", "distributions", "throughput"}
    assert all(width > 600 and height > 80 for width, height in by_day["charts"].values())
    assert len(by_day["marks"]) == 3 * 3
    assert all(width > 1 and height > 1 for width, height in by_day["marks"])
    assert by_day["images"] == [112, 112, 112]
    assert by_day["wide"] <= 0


def test_the_rows_in_the_browser_equal_the_record(by_day: dict[str, Any], made: Report) -> None:
    assert list(by_day["cells"]) == [each.name for each in made.lines]
    for each in made.lines:
        for column in columns(made):
            value, text = by_day["cells"][each.name][column.head]
            assert (float(value) if value else None) == column.value(each)
            assert text.replace("\n", " ") == column.text(each)


def test_it_is_light_by_day_and_dark_by_night_and_fits_a_telephone(page: Path, by_day: dict[str, Any]) -> None:
    by_night = look(page, "--window-size=500,900", "--blink-settings=preferredColorScheme=0")
    assert lightness(by_day) > 600 > 200 > lightness(by_night)
    assert by_night["wide"] <= 0


def test_a_complaint_of_the_browser_would_be_seen(page: Path) -> None:
    broken = page.with_name("broken.html")
    broken.write_text("<script>console.error('no'); undefined.x;</script>", encoding="utf-8")
    assert "CONSOLE" in chromium("--dump-dom", broken.as_uri()).stderr


def test_it_prints(page: Path) -> None:
    printed = page.with_suffix(".pdf")
    chromium(f"--print-to-pdf={printed}", page.as_uri())
    assert printed.read_bytes().startswith(b"%PDF")


def test_it_needs_nothing_but_itself_and_escapes_what_it_is_given(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "Temper on &lt;pictures&gt; &amp; more" in text
    assert "&lt;dog&gt;" in text
    assert not re.search(r"(src|href)=\"(?!data:)", text)
    assert "<script" not in text


def test_pictures_are_kept_out_where_that_is_asked(made: Report) -> None:
    text = as_page(made, {})
    assert "<img" not in text
    assert "cat/1.jpg" in text


def test_a_report_with_nothing_measured_is_still_a_page(made: Report) -> None:
    nothing = dataclasses.replace(made, lines=made.lines[-1:])
    text = as_page(nothing, {})
    assert "did not run: no GPU here" in text
    assert "<svg" not in text
