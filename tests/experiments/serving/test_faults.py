from pathlib import Path

import numpy as np
import pytest

from experiments.serving import faults
from temper.artifact import Artifact
from temper.errors import UsageError
from temper.reference import has_golden
from tests import tiny


def test_an_artifact_is_published_under_another_name(made_bundle: Path, tmp_path: Path) -> None:
    target = tmp_path / "other.onnx"
    faults.publish_as(Artifact.at(made_bundle.with_name("model.fp32.onnx")), target)
    assert has_golden(Artifact.at(target).verified())


def test_two_artifacts_that_predict_the_same_are_refused() -> None:
    with pytest.raises(UsageError, match="predict the same"):
        faults.stacked(np.zeros((2, 2), np.float32), np.zeros((2, 2), np.float32))


@pytest.mark.slow
@pytest.mark.programs
def test_the_report_counts_kills_swaps_and_the_stop(made_bundle: Path, tmp_path: Path) -> None:
    first = made_bundle.with_name("model.fp32.onnx")
    second, out = tiny.bundle(tmp_path / "second", each=30).with_name("model.fp32.onnx"), tmp_path / "faults.md"
    counts = ["--clients", "4", "--requests", "200", "--kill-every", "0.5", "--kill-seconds", "1.2", "--swaps", "1"]
    faults.run(faults.parse([str(first), str(second), *counts, "--out", str(out)]))
    rows = [line.split(" | ") for line in out.read_text().splitlines() if line.startswith("| ")][2:]
    assert [row[0].removeprefix("| ") for row in rows] == [
        "the process is killed", "an artifact is published", "SIGTERM",
    ]  # fmt: skip
    assert [row[4:6] for row in rows] == [["0", "0"]] * 3
