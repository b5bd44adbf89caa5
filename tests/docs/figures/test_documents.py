from pathlib import Path

import pytest

from docs.figures.documents import RESULTS, figures_of
from tests.source import ROOT


def found_in(text: str, folder: Path) -> list[str]:
    """The figures of a document with this text."""
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    return [each.text for each in figures_of(page)]


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("It takes 16 ms instead of 1,720 ms, and is 4.93× [4.86, 4.99] as fast.", ["16 ms", "1,720 ms", "4.93 ×"]),
        ("A difference of 0.25, or of 0.6 percentage\npoints.", ["0.25", "0.6 percentage points"]),
        ("From 94.6 to 92.9 %, by at most 4.2e-07.", ["94.6", "92.9 %", "4.2e-07"]),
        ("81 % in 3 hours, 5 MiB, 20 images/s.", ["81 %", "3 hours", "5 MiB", "20 images/s"]),
        ("| case | seconds |\n| --- | ---: |\n| a | 177 |\n| b | 3.8 |", ["3.8", "177 seconds"]),
        ("```\n$ python a.py --x 5.5\na is right: 96.2 %\n```", ["96.2 %"]),
        ("With `--p99-ms 20` it stays within 20 ms, or 30 ms.", ["30 ms"]),
    ],
)
def test_what_states_a_measurement_is_a_figure(text: str, figures: list[str], tmp_path: Path) -> None:
    assert [each for each in found_in(text, tmp_path) if each not in ("4.86", "4.99")] == figures


@pytest.mark.parametrize(
    "text",
    [
        "Python 3.10 to 3.13, Keras 3.12, version 0.2 and 1.2.3 run with 400 images at 224 pixels.",
        "A 95 % interval, a 95 % bootstrap interval, in `0.5 ms`.",
        "```python\nx = 0.5\n```\n\n```\npython a.py --limit 0.5\n```",
        "[text](https://example.org/3.5/x.html) of `model.int8.onnx`, Apache-2.0.",
        "<!-- part -->\n0.5 ms\n<!-- end -->\n",
    ],
)
def test_versions_levels_code_commands_and_generated_parts_are_no_figures(text: str, tmp_path: Path) -> None:
    assert not found_in(text, tmp_path)


def test_a_figure_knows_the_results_that_its_section_and_the_introduction_link() -> None:
    figures = figures_of(ROOT / "docs" / "training.md")
    results = {each.text: {path.name for path in each.results} for each in figures}
    assert results["47.6 times"] == {"training-time.md"}
    assert results["78.0 %"] == {"suspects.md"}
    page = {each.results for each in figures_of(ROOT / "docs" / "read-a-report.md")}
    assert page == {(RESULTS / "photos-224" / "report.md",)}
