"""A real server and a real browser for the tests of the page."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from temper.card import read_card, write_card
from tests.source import ROOT

HOSTILE = "<img src=x onerror=console.error('executed')>"
START = "import sys; from temper.cli.main import main; main()"


@contextmanager
def served(*arguments: str | Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The URL and the process of `temper serve` with these arguments, on a free port."""
    command = [sys.executable, "-c", START, "serve", "--port", "0", *map(str, arguments)]
    process = subprocess.Popen(command, cwd=ROOT, text=True, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stderr
    try:
        seen = []
        for line in process.stderr:
            seen.append(line)
            if match := re.search(r"page: (http://\S+)", line):
                yield match[1], process
                break
        else:
            pytest.fail(f"the server ended: {''.join(seen)}")
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture(scope="session")
def artifact(made_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny ONNX artifact, with a label that is HTML."""
    folder = tmp_path_factory.mktemp("served")
    for path in made_bundle.parent.glob("model.*"):
        shutil.copy(path, folder)
    path = folder / "model.fp32.onnx"
    card = read_card(path)
    write_card(path, card.changed(labels=(card.labels[0], HOSTILE), confidence_threshold=0.75))
    return path


@pytest.fixture(scope="session")
def server(artifact: Path) -> Iterator[str]:
    """The URL of a server that all tests of the page use."""
    with served(artifact) as (url, _):
        yield url


@dataclass
class Visit:
    """A page that is open, and what the browser reported about it."""

    page: Page
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def results(self, count: int) -> list[str]:
        """The texts of the rows, the newest first, once all of this many are done."""
        self.page.wait_for_function(
            "count => document.querySelectorAll('#list > li').length === count"
            " && !document.querySelector('[data-state=waiting], [data-state=sending]')",
            arg=count,
        )
        return [re.sub(r"\n+", "\n", text) for text in self.page.locator("#list .text").all_inner_texts()]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Open a URL in a context of its own: `open_page(url, **options of the context)` gives a Visit."""
    contexts = []

    def open_url(url: str, wait_for: str = "#about:not([hidden])", **options: object) -> Visit:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(15_000)
        visit = Visit(context.new_page())

        def report(message: ConsoleMessage) -> None:
            visit.console.append(message.text)

        visit.page.on("console", report)
        visit.page.on("pageerror", lambda error: visit.console.append(str(error)))
        visit.page.on("request", lambda request: visit.requests.append(request.url))
        # From the start: a chooser that opens before somebody listens is lost.
        visit.page.on("filechooser", lambda _: None)
        visit.page.goto(url)
        visit.page.wait_for_selector(wait_for, state="attached")
        return visit

    yield open_url
    for context in contexts:
        context.close()
