import itertools
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import msgspec
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from benchmarks.analysis.report import Report
from benchmarks.analysis.report_file import read_report
from benchmarks.rendering.plots import (
    PRECISION_COLORS,
    color_name,
    latency_accuracy_figure,
    latency_distribution_figure,
    throughput_figure,
)
from pages.colors import COLORS, LIGHT
from pages.figures import inline_svg, png
from tests.benchmarks.sample_reports import KERAS, case_result, report, skipped_case
from tests.source import ROOT

COMMITTED = sorted((ROOT / "benchmarks" / "results").rglob("report.json"))
FIGURES = (latency_accuracy_figure, latency_distribution_figure, throughput_figure)


def marks(figure: Figure) -> dict[str, str]:
    """The color of each point, by the name of its case."""
    lines = [line for line in figure.axes[0].lines if str(line.get_gid()).startswith("mark-")]
    return {str(line.get_gid()).removeprefix("mark-"): to_hex(line.get_color()) for line in lines}


def labels(figure: Figure) -> list[Text]:
    return [text for text in figure.axes[0].texts if text.get_gid() == "label"]


@pytest.fixture
def made() -> Report:
    executed = msgspec.structs.replace(case_result("model.fp16.onnx", 41, precision="fp16"), executed="fp32")
    int8 = msgspec.structs.replace(case_result("model.int8.xml", 7, precision="int8"), executed="int8, rest bf16")
    return report(case_result(KERAS, 80), executed, int8, skipped_case("model.plan"))


def test_the_color_is_the_precision_that_is_executed(made: Report) -> None:
    assert [color_name(case) for case in made.measured] == ["keras", "fp32", "int8"]
    assert color_name(case_result("model.onnx", 1, precision="fp8")) == "other"
    assert marks(latency_accuracy_figure(made)) == {
        KERAS: PRECISION_COLORS["keras"],
        "model.fp16.onnx": PRECISION_COLORS["fp32"],
        "model.int8.xml": PRECISION_COLORS["int8"],
    }


def test_the_page_and_the_png_show_the_same_points_in_the_same_colors(made: Report) -> None:
    figure = latency_accuracy_figure(made)
    colors = {value: name for name, value in LIGHT.items()}
    svg = inline_svg(figure)
    for name, color in marks(figure).items():
        group = re.search(rf'<g id="mark-{re.escape(name)}">.*?</g>\s*</g>', svg, re.DOTALL)
        assert group and f"fill: var(--{colors[color]})" in group[0]
    assert png(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize("draw", FIGURES)
def test_every_color_of_the_page_follows_its_scheme(made: Report, draw: object) -> None:
    assert callable(draw)
    svg = inline_svg(draw(made))
    used = set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6}|var\(--\w+\)|\w+)", svg))
    assert used <= {f"var(--{name})" for name in COLORS} | {"none"}
    ElementTree.fromstring(svg)
    assert "<script" not in svg and "DOCTYPE" not in svg


@pytest.mark.parametrize("count", [1, 15, 50])
def test_no_two_labels_overlap_when_all_cases_are_alike(count: int) -> None:
    alike = report(*(case_result(f"model.variant-{i}.onnx", 10 + i / 100) for i in range(count)))
    check_labels(latency_accuracy_figure(alike), count)


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.parent.name)
def test_no_two_labels_overlap_in_a_committed_report(path: Path) -> None:
    committed = read_report(path)
    check_labels(latency_accuracy_figure(committed), len(committed.measured))


def check_labels(figure: Figure, count: int) -> None:
    boxes = [text.get_window_extent() for text in labels(figure)]
    assert len(boxes) == count
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    area = figure.axes[0].get_window_extent()
    assert all(area.x0 <= box.x0 and box.x1 <= area.x1 for box in boxes)


def test_a_dollar_sign_in_a_name_is_no_formula() -> None:
    svg = inline_svg(latency_accuracy_figure(report(case_result("a$x$<b>.onnx", 10))))
    assert "a$x$&lt;b&gt;.onnx" in svg


def test_a_report_with_nothing_measured_has_an_empty_plot() -> None:
    assert marks(latency_accuracy_figure(report(skipped_case("model.plan")))) == {}


def test_the_same_report_gives_the_same_file(made: Report) -> None:
    assert inline_svg(latency_accuracy_figure(made)) == inline_svg(latency_accuracy_figure(made))
