"""What OpenVINO's runner does besides the contract of all runners (test_contract.py)."""

import shutil
from pathlib import Path

import pytest

from temper.artifact import Artifact
from temper.errors import ArtifactError, ResourceError
from temper.runners.load import load_runner
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


def test_another_format_under_the_name_of_a_network_is_refused(artifact: Artifact, bundle: Path) -> None:
    # OpenVINO would open it, and the files that it names.
    shutil.copy(bundle.with_name("model.fp32.onnx"), artifact.path)
    with pytest.raises(ArtifactError, match="it is not an OpenVINO network"):
        load_runner(tiny.with_card(artifact.path))


def test_weights_that_end_before_the_network_says_are_refused(artifact: Artifact) -> None:
    for content in (artifact.files[1].read_bytes()[:-4], b""):
        artifact.files[1].write_bytes(content)
        with pytest.raises(ArtifactError, match="cannot be opened by OpenVINO"):
            load_runner(tiny.with_card(artifact.path))


def test_missing_memory_is_no_damage_of_the_file(artifact: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: OpenVinoRunner) -> None:
        raise RuntimeError("Exception from src/core.cpp:98:\nstd::bad_alloc")

    monkeypatch.setattr(OpenVinoRunner, "_compile", fail)
    with pytest.raises(ResourceError, match="out of memory"):
        load_runner(artifact)


def test_the_converter_of_openvino_is_there_for_other_code() -> None:
    import openvino

    assert callable(openvino.convert_model)
