import json
import re

from benchmarks.analysis.report_file import read_report
from benchmarks.rendering.plots import latency_accuracy_figure
from docs.readme import measured
from experiments.chaos.record import COUNTS
from pages.figures import standalone_svg


def test_the_sums_are_those_of_all_suites_and_make_up_what_was_tried() -> None:
    report = json.loads((measured.RESULTS / "reliability.json").read_text())
    assert report["missing"] == []
    headings, _, sums = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in measured.chaos().splitlines()
    )
    assert headings == ["suites", "tried", "before start", *COUNTS[1:]]
    shown = {name: int(text.replace(",", "")) for name, text in zip(headings, sums, strict=True)}
    assert shown["suites"] == len(report["suites"])
    assert shown["tried"] == sum(each["tried"] for each in report["suites"])
    assert shown["tried"] == sum(shown[name] for name in headings[2:])
    assert {shown[name] for name in COUNTS[3:]} == {0}


def test_the_output_of_the_demo_ends_before_the_verdicts_and_is_in_its_report() -> None:
    text = measured.demo()
    report = (measured.RESULTS / "demo" / "report.md").read_text(encoding="utf-8")
    # The first sentence begins with the name of an artifact too.
    table = text[text.index("\nartifact ") :]
    rows = [line.split() for line in table.splitlines() if line.startswith(("model.", "lite0."))]
    assert len(rows) >= 8
    for name, *cells in rows:
        assert f"| {name} |" in report
        assert all(cell in report for cell in cells)
    assert text.splitlines()[-2:] == ["…", "```"]
    assert max(map(len, text.splitlines())) <= measured.WIDTH


def test_the_plot_has_the_points_of_the_report() -> None:
    folder = measured.RESULTS / "photos-224"
    shown = (folder / "report.svg").read_text(encoding="utf-8")
    drawn = standalone_svg(latency_accuracy_figure(read_report(folder / "report.json")))
    for pattern in (r'id="(mark-[^"]+)"', r"<text[^>]*>([^<]+)<"):
        assert re.findall(pattern, shown) == re.findall(pattern, drawn) != []
    # On a dark page too.
    assert "prefers-color-scheme: dark" in shown


def test_photos_names_the_images_the_machine_and_the_report() -> None:
    text = " ".join(measured.photos().split())
    assert text.startswith("400 held-out photos at 224 pixels, 2 cores of an AMD EPYC")
    assert "as fast as Keras tf.function" in text
    assert "(benchmarks/results/photos-224/report.md)" in text
