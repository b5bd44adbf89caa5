from pathlib import Path

import pytest

from temper.artifact import Artifact
from tests.convert.converters import copying, use


@pytest.fixture
def copy(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Artifact:
    """A target in fp16 whose converter copies the fp32 file."""
    use(copying, monkeypatch)
    return Artifact.at(bundle.with_name("copy.onnx"))
