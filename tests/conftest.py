"""Fixtures every suite may use; those of the examples in docstrings are in ../conftest.py."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browsing import Open, visits

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """A headless Chromium with a camera of its own; Playwright starts only once in a process."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install playwright"
    )
    if not CHROMIUM:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    flags = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with playwright.sync_playwright() as started:
        yield started.chromium.launch(executable_path=CHROMIUM, args=flags)


@pytest.fixture
def open_page(browser: "Browser") -> Iterator[Open]:
    """Open a URL in a context of its own: `open_page(url, **options of the context)` gives a Visit."""
    with visits(browser) as open_url:
        yield open_url


@pytest.fixture(autouse=True)
def log_messages(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Messages of the project, and of no library, reach `caplog`, whatever a command in the same process configured."""
    logger = logging.getLogger("temper")
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "propagate", True)
    logger.setLevel(logging.INFO)
    only_ours = logging.Filter("temper")
    caplog.handler.addFilter(only_ours)
    yield
    caplog.handler.removeFilter(only_ours)


@pytest.fixture
def bundle(made_bundle: Path, tmp_path: Path) -> Path:
    """A copy of the tiny bundle that a test may change: the path of model.keras."""
    shutil.copytree(made_bundle.parent, tmp_path / "bundle")
    return tmp_path / "bundle" / made_bundle.name


@pytest.fixture
def shared() -> Path:
    """The folder with real photos and weights; tests that need it are skipped where it is not."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "photos").is_dir():
        pytest.skip("no ../shared with photos and weights beside the project")
    return folder
