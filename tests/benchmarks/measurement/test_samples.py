import logging
from pathlib import Path

import pytest

from benchmarks.cases import Case
from benchmarks.measurement.samples import PeakSamples, Samples
from temper.artifact import Artifact
from temper.card import Card
from temper.errors import UserError
from temper.runners.base import RuntimeInfo

PATH = Path("some/folder/model.onnx")


def samples() -> Samples:
    artifact = Artifact.with_card(PATH, Card(labels=("a", "b"), size=2))
    return Samples.of(Case(name="model.onnx", artifact=artifact))


def test_the_reason_of_a_skipped_case_is_logged_and_contains_no_folder(caplog: pytest.LogCaptureFixture) -> None:
    skipped = samples()
    with caplog.at_level(logging.WARNING, "temper.benchmarks"):
        skipped.skip(UserError(f"{PATH} does not run here", fix="Install it."))
    assert skipped.skipped == "model.onnx does not run here"
    assert caplog.messages == ["model.onnx is skipped: model.onnx does not run here"]


@pytest.mark.parametrize(("device", "expected"), [("CPU", False), ("NVIDIA L4", True)])
def test_another_device_than_the_cpu_is_recognized(device: str, expected: bool) -> None:
    measured = samples()
    assert not measured.is_on_device
    measured.info = RuntimeInfo(runtime="some runtime", device=device, executed="fp32")
    assert measured.is_on_device is expected


def test_a_kernel_that_did_not_run_has_no_peak() -> None:
    assert PeakSamples(precision="fp32").gops is None
