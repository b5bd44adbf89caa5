from pathlib import Path

import pytest

from experiments.serving import load
from experiments.serving.clients import Outcome


def test_a_spread_is_the_median_with_the_limits() -> None:
    assert load.spread([3.0, 1.0, 2.0], 0) == "2 (1 to 3)"
    assert load.statuses(Outcome(statuses={200: 1000}), Outcome(statuses={200: 1, 503: 2})) == "1,001 × 200, 2 × 503"


@pytest.mark.slow
@pytest.mark.programs
def test_the_report_compares_the_server_with_its_runtime_and_with_another_server(
    made_bundle: Path, tmp_path: Path
) -> None:
    from tests.temper.serve.serving import serving

    onnx, out = made_bundle.with_name("model.fp32.onnx"), tmp_path / "load.md"
    with serving(onnx) as other:
        words = [str(onnx), "--rounds", "1", "--seconds", "0.5", "--clients", "8", "--out", str(out)]
        load.run(load.parse([*words, "--other", f"second={other.address}"]))
    lines = out.read_text().splitlines()
    assert [line.split(" | ")[0] for line in lines if line.startswith("| ") and " | ---" not in line][1:4] == [
        "| runtime alone, at its best batch",
        "| temper serve",
        "| second",
    ]
