"""A figure of matplotlib as SVG, whose colors follow the scheme of the reader, and as PNG.

In SVG a color is a CSS variable: draw with the colors of `pages.colors.LIGHT` alone.
"""

import io
import re

import matplotlib as mpl
from matplotlib.figure import Figure

from pages.colors import LIGHT, css_variables
from temper.cli import plot_style


def inline_svg(figure: Figure) -> str:
    """An <svg> element for a page that defines the CSS variables of COLORS. matplotlib escapes the texts in it."""
    file = io.StringIO()
    with mpl.rc_context(plot_style.STYLE):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    text = text[text.index("<svg") :]
    # The fixed size and the metadata are of no use inside a page.
    namespaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    text = re.sub(r'<svg[^>]*viewBox="([^"]*)"[^>]*>', rf'<svg viewBox="\1" {namespaces}>', text)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    for name, color in LIGHT.items():
        text = text.replace(color, f"var(--{name})")
    return text


def standalone_svg(figure: Figure) -> str:
    """An SVG file that follows the scheme of the reader by itself."""
    style = f"<style>{css_variables('svg')} svg {{ background: var(--panel); }}</style>"
    return re.sub(r"(<svg[^>]*>)", lambda match: match[1] + style, inline_svg(figure), count=1)


def png(figure: Figure) -> bytes:
    """A PNG file in the light scheme."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=plot_style.PNG_DPI, facecolor=LIGHT["panel"])
    return file.getvalue()
