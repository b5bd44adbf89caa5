"""A real server and a real browser for the tests of the page."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from temper.card import read_card, write_card
from tests.browsing import Open, Visit
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


@pytest.fixture
def open_page(open_page: Open) -> Open:
    """The same as for other pages, but each is ready when it has shown what the server has."""

    def open_url(url: str, wait_for: str = "#about:not([hidden])", **options: object) -> Visit:
        return open_page(url, wait_for, **options)

    return open_url
