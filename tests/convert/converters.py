"""Converters for tests of the pipeline."""

import shutil
from collections.abc import Iterator

import onnx
import pytest

from convert.job import CardFields, Converter, Job
from temper.artifact import Artifact


def copying(job: Job) -> Iterator[CardFields]:
    """A conversion that copies its source."""
    shutil.copy(job.source.path, job.target)
    yield CardFields()


def inverting(job: Job) -> Iterator[CardFields]:
    """A conversion that predicts the other label."""
    model = onnx.load(job.source.path)
    for weights in model.graph.initializer:
        if weights.name.startswith("head"):
            weights.CopyFrom(onnx.numpy_helper.from_array(-onnx.numpy_helper.to_array(weights), weights.name))
    onnx.save(model, job.target)
    yield CardFields()


def use(converter: Converter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the conversion to fp16 ONNX."""
    monkeypatch.setattr("convert.precision.fp16.convert", converter)


def contents(artifact: Artifact) -> dict[str, bytes]:
    """All files whose names begin with the artifact's."""
    return {path.name: path.read_bytes() for path in artifact.path.parent.glob(f"{artifact.name}*")}
