"""A page from its template: one file that contains everything it needs."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pages.colors import css_variables
from temper.escaping import visible

FOLDER = Path(__file__).parent
STYLE = FOLDER / "page.css"


def render_page(template: Path, **values: Any) -> str:
    """The HTML of a template that extends `base.html`.

    Every value is text, and is escaped; only what is `Markup` is HTML. Control characters and bytes that are no text,
    which file names may contain, are shown as escapes.
    """
    environment = Environment(
        loader=FileSystemLoader([template.parent, FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = f"{css_variables(':root')}\n{STYLE.read_text(encoding='utf-8')}"
    # Both are ours, and neither contains the end of its element.
    return environment.get_template(template.name).render(style=Markup(style), **values)


def _finalize(value: Any) -> Any:
    return visible(value, allowed="\n") if isinstance(value, str) and not isinstance(value, Markup) else value
