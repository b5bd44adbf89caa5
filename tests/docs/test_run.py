"""The site: complete, without a warning, readable without a connection and without a server."""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docs import run as command
from docs.run import build
from temper.errors import DataError, MissingRuntime

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Attributes that a browser fetches at once. A link that a reader clicks is no such thing.
FETCHED = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data"}


class _Fetched(HTMLParser):
    """The addresses that a page fetches."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name == FETCHED.get(tag)]


def test_the_site_has_a_page_for_every_collected_page(pages: Path, site: Path) -> None:
    built = {path.relative_to(site).with_suffix("") for path in site.rglob("*.html")}
    assert {path.relative_to(pages).with_suffix("") for path in pages.rglob("*.md")} <= built


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        parser = _Fetched()
        parser.feed(page.read_text(encoding="utf-8"))
        assert parser.addresses
        assert not [each for each in parser.addresses if re.match(r"(https?:)?//", each)], page.name
    for style in site.rglob("*.css"):
        assert not re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", style.read_text(encoding="utf-8")), (
            style.name
        )


@pytest.mark.programs
def test_a_browser_shows_and_searches_it_without_a_server_and_without_an_error(site: Path, browser: "Browser") -> None:
    reported: list[str] = []
    page = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme="dark")
    page.on("console", lambda message: reported.append(message.text))
    page.on("pageerror", lambda error: reported.append(str(error)))
    page.on("request", lambda request: reported.extend([] if request.url.startswith("file:") else [request.url]))
    for name in ("docs/reference/messages.html", "docs/reference/commands.html", "index.html"):
        page.goto((site / name).as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, name
        assert page.locator("article h1").inner_text().strip("¶")
    page.locator("label.md-header__button[for=__search]").click()
    # Letter by letter, so that every beginning of it is searched too.
    page.locator("input.md-search__input").press_sequentially("--lr-range-test")
    page.wait_for_selector("a.md-search-result__link[href*='commands.html#python-trainrunpy']", state="attached")
    page.close()
    assert not reported


def test_a_page_that_is_missing_is_an_error(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="mkdocs is not installed: pip install -r requirements-docs.txt")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "index.md").write_text("# Start\n\n[nowhere](nowhere.md)\n")
    with pytest.raises(DataError, match="warnings in strict mode"):
        build(tmp_path / "pages", tmp_path / "site")


def test_without_the_builder_the_error_says_what_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mkdocs.commands.build", None)
    monkeypatch.setitem(sys.modules, "mkdocs", None)
    with pytest.raises(MissingRuntime, match="`make docs`"):
        build(tmp_path, tmp_path / "site")


def test_a_build_that_fails_leaves_the_site_that_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "dist" / "docs"
    site.mkdir(parents=True)
    (site / "index.html").write_text("before")
    monkeypatch.setattr(command, "SITE", site)
    monkeypatch.setattr(command, "PAGES", tmp_path / "pages")

    def fail(pages: Path, built: Path) -> None:
        assert (pages / "index.md").is_file()
        raise DataError("a warning")

    monkeypatch.setattr(command, "build", fail)
    with pytest.raises(DataError):
        command.run(command.parse([]))
    assert [path.name for path in site.parent.iterdir()] == ["docs"]
    assert (site / "index.html").read_text() == "before"
