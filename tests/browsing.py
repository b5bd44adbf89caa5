"""A page that is open in a browser, for tests."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

Open = Callable[..., "Visit"]


@dataclass
class Visit:
    """A page that is open, and what the browser reported about it."""

    page: "Page"
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def results(self, count: int) -> list[str]:
        """The texts of the rows of the server's page, the newest first, once all of this many are done."""
        self.page.wait_for_function(
            "count => document.querySelectorAll('#list > li').length === count"
            " && !document.querySelector('[data-state=waiting], [data-state=sending]')",
            arg=count,
        )
        return [re.sub(r"\n+", "\n", text) for text in self.page.locator("#list .text").all_inner_texts()]

    def overflow(self) -> int:
        """Pixels that the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))

    def lightness(self, selector: str = "body", style: str = "backgroundColor") -> int:
        """The sum of red, green and blue of a color of the first element that fits."""
        color = self.page.evaluate(
            "([s, style]) => getComputedStyle(document.querySelector(s))[style]", [selector, style]
        )
        return sum(int(number) for number in re.findall(r"\d+", color)[:3])


def visit(context: "BrowserContext", url: str, wait_for: str) -> Visit:
    """Open a URL, and return when there is an element that fits a CSS selector."""
    context.set_default_timeout(15_000)
    opened = Visit(context.new_page())

    def report(message: "ConsoleMessage") -> None:
        opened.console.append(message.text)

    opened.page.on("console", report)
    opened.page.on("pageerror", lambda error: opened.console.append(str(error)))
    opened.page.on("request", lambda request: opened.requests.append(request.url))
    # From the start: a chooser that opens before somebody listens is lost.
    opened.page.on("filechooser", lambda _: None)
    opened.page.goto(url)
    opened.page.wait_for_selector(wait_for, state="attached")
    return opened


@contextmanager
def visits(browser: "Browser") -> Iterator[Open]:
    """A function that opens URLs, each in a context of its own: `open_page(url, **options of the context)`."""
    contexts = []

    def open_url(url: str, wait_for: str = "body", **options: object) -> Visit:
        contexts.append(browser.new_context(**options))  # type: ignore[arg-type]
        return visit(contexts[-1], url, wait_for)

    yield open_url
    for context in contexts:
        context.close()
