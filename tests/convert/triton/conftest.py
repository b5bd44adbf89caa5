from pathlib import Path

import pytest

from convert.triton.network import Network, network_of
from temper.artifact import Artifact
from temper.card import BatchRange


@pytest.fixture
def network(made_bundle: Path) -> Network:
    """The tiny classifier, as Triton runs it."""
    return network_of(Artifact.at(made_bundle).sibling("fp32", ".onnx"), BatchRange(1, 8, 32))
