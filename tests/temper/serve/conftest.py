"""One server for all tests that do not change it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.temper.serve.serving import SMALL, Running, serving


@pytest.fixture(scope="session")
def onnx(made_bundle: Path) -> Path:
    """The artifact of the tiny bundle, which no test may change."""
    return made_bundle.with_name("model.fp32.onnx")


@pytest.fixture(scope="session")
def running(onnx: Path) -> Iterator[Running]:
    """A server with small limits."""
    with serving(onnx, limits=SMALL, max_batch=4, top_k=2) as server:
        yield server
