from pathlib import Path

import jinja2
import pytest
from markupsafe import Markup

from pages.render import render_page

HOSTILE = "<img src=x onerror=alert(1)>"


def page(folder: Path, content: str, **values: object) -> str:
    template = folder / "page.html"
    template.write_text(f'{{% extends "base.html" %}}{{% block content %}}{content}{{% endblock %}}', encoding="utf-8")
    return render_page(template, **values)


def test_every_value_is_text_and_only_markup_is_html(tmp_path: Path) -> None:
    text = page(tmp_path, '<p title="{{ a }}">{{ a }}</p>{{ b }}', a=f'"{HOSTILE}', b=Markup("<svg/>"))
    assert '<p title="&#34;&lt;img src=x onerror=alert(1)&gt;">' in text
    assert HOSTILE not in text
    assert "<svg/>" in text


def test_names_that_are_no_text_are_shown_as_escapes_and_can_be_written(tmp_path: Path) -> None:
    text = page(tmp_path, "{{ name }}", name="caf\udce9\x1b.jpg\nline")
    assert "caf\\xe9\\x1b.jpg\nline" in text
    text.encode()


def test_the_page_has_the_style_and_allows_no_script_and_no_request(tmp_path: Path) -> None:
    text = page(tmp_path, "")
    assert "--orange:" in text and ".images {" in text
    assert "default-src 'none'; img-src data:" in text


def test_a_value_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(jinja2.UndefinedError):
        page(tmp_path, "{{ missing }}")
