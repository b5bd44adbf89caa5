import xml.etree.ElementTree as ElementTree

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from pages.colors import COLORS, LIGHT
from pages.figures import inline_svg, png, standalone_svg
from temper.cli.plot_style import STYLE


@pytest.fixture
def figure() -> Figure:
    with mpl.rc_context(STYLE):
        made = Figure(figsize=(2, 1))
        made.subplots().plot([0, 1], color=LIGHT["orange"], label="a$x$<b>")
        made.legend()
    return made


def test_inline_colors_are_variables_and_texts_are_escaped(figure: Figure) -> None:
    svg = inline_svg(figure)
    assert "var(--orange)" in svg and LIGHT["orange"] not in svg
    assert "a$x$&lt;b&gt;" in svg
    assert svg == inline_svg(figure)


def test_an_svg_file_defines_its_colors_in_both_schemes(figure: Figure) -> None:
    svg = standalone_svg(figure)
    ElementTree.fromstring(svg)
    assert "prefers-color-scheme: dark" in svg
    assert all(light in svg and dark in svg for light, dark in COLORS.values())


def test_a_png_file_is_made(figure: Figure) -> None:
    assert png(figure).startswith(b"\x89PNG")
