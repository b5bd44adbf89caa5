"""The collected pages, and the site that is built of them, once."""

import importlib.util
from pathlib import Path

import pytest

from docs.pages import collect
from docs.run import build


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all pages."""
    folder = tmp_path_factory.mktemp("pages")
    collect(folder)
    return folder


@pytest.fixture(scope="session")
def site(pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site. Any warning of the builder is an error."""
    if not importlib.util.find_spec("mkdocs"):
        pytest.skip("mkdocs is not installed: pip install -r requirements-docs.txt")
    folder = tmp_path_factory.mktemp("site")
    build(pages, folder)
    return folder
