"""What OpenVINO's runner does besides the contract of all runners (test_contract.py)."""

from pathlib import Path

import pytest

from temper.artifact import Artifact
from temper.runners.openvino import OpenVinoRunner, process_core
from tests import tiny


@pytest.fixture
def artifact(bundle: Path) -> Artifact:
    return tiny.pipeline_of(bundle).build(Artifact.at(bundle.with_name("model.fp32.xml")), "fp32")


def test_fp32_is_executed_in_fp32_on_every_processor(artifact: Artifact) -> None:
    with OpenVinoRunner(artifact) as runner:
        assert runner.runtime_info().executed == "fp32"


def test_every_runner_uses_the_core_of_the_process(artifact: Artifact) -> None:
    with OpenVinoRunner(artifact) as first, OpenVinoRunner(artifact) as second:
        assert first._core is second._core is process_core()
