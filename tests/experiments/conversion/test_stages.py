import logging
from pathlib import Path

import pytest

from experiments.conversion.stages import Clock, convert
from temper.artifact import Artifact


def test_a_stage_is_named_for_the_report_that_ends_it() -> None:
    clock = Clock()
    clock.target = ".onnx"
    logger = logging.getLogger("temper.convert.clock")
    logger.addHandler(clock)
    for message in ("model.int8.onnx: converting model.fp32.onnx", "model.fp32.onnx: up to date"):
        logger.warning(message)
    clock("measuring activation ranges", 1, 2)
    clock("measuring activation ranges", 2, 2)
    clock("exporting model.keras to ONNX", 1, 1)
    logger.warning("model.int8.onnx: verifying")
    clock("predicting with model.int8.onnx", 16, 16)
    logger.warning("model.int8.onnx: rejected: 9 of 9 images change their label")
    assert list(clock.stages) == [
        ".onnx: start",
        ".onnx: measuring activation ranges",
        ".onnx: files",
        ".onnx: verification",
    ]


def test_both_artifacts_are_converted_and_all_time_is_that_of_a_stage(bundle: Path) -> None:
    measured = convert(bundle)
    assert set(measured["cards"]) == {".onnx", ".xml"}
    assert measured["cards"][".xml"]["agreement"]["images"] == 16
    assert Artifact.at(bundle.with_name("model.int8.xml")).exists
    assert {".onnx: measuring activation ranges", ".xml: verification"} <= set(measured["stages"])
    assert all(stage["cpu"] >= 0 and stage["seconds"] >= 0 for stage in measured["stages"].values())


def test_what_the_gate_rejects_is_reported(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convert.pipeline.violations", lambda _, __, precision: ["made up"] * (precision == "int8"))
    measured = convert(bundle)
    assert "is rejected" in measured["cards"][".onnx"]["rejected"]
    assert ".onnx: sensitivity of each layer" in measured["stages"]
