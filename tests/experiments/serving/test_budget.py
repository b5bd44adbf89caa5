import shutil
from pathlib import Path

import onnxruntime as ort
import pytest

from experiments.serving.budget import HEADINGS, conclusion, parse, row_of, run
from experiments.serving.clients import Outcome
from temper.card import LatencyBudget, read_card, write_card
from temper.errors import UsageError
from temper.system.host import describe_host


def test_the_requests_of_all_rounds_are_counted_together() -> None:
    rounds = [
        Outcome(seconds=[0.010] * 49 + [0.030], statuses={200: 50}, elapsed=1.0, wrong=1),
        Outcome(seconds=[0.010] * 50, statuses={200: 50, 503: 5}, elapsed=1.0),
    ]
    row = dict(zip(HEADINGS, row_of(0.5, True, rounds, rate=110, limit_ms=20), strict=True))
    assert row["requests/s"] == "55.0"
    assert row["predictions/s"] == "50.0"
    assert row["p50 ms"] == "10.0"
    assert row["later than the limit, %"] == "1.0"
    assert (row["responses"], row["wrong"]) == ("100 × 200, 5 × 503", "1")


def test_the_text_says_whether_the_limit_was_kept_and_what_the_budget_changed() -> None:
    def outcome(seconds: float) -> list[Outcome]:
        return [Outcome(seconds=[seconds] * 10, elapsed=1.0)]

    outcomes: dict[tuple[float, bool], list[Outcome]] = {
        (1, True): outcome(0.02),
        (1, False): outcome(0.05),
        (2, True): outcome(0.077),
        (2, False): outcome(1.2),
    }
    text = conclusion(outcomes, 20)
    assert "kept the limit of 20 ms at 1 of 2 rates" in text
    assert "At 2 times the card's rate the p99 was 77.0 ms with it and 1,200.0 ms without it" in text


def test_an_artifact_without_a_budget_is_refused_with_the_command_that_measures_it(made_bundle: Path) -> None:
    with pytest.raises(UsageError) as caught:
        run(parse([str(made_bundle.with_name("model.fp32.onnx"))]))
    assert "--p99-ms" in caught.value.fix


@pytest.mark.slow
@pytest.mark.programs
def test_both_servers_are_measured_at_every_rate(made_bundle: Path, tmp_path: Path) -> None:
    pytest.importorskip("tritonclient.http", reason="tritonclient is not installed: pip install tritonclient[http]")
    source, onnx, out = made_bundle.with_name("model.fp32.onnx"), tmp_path / "model.fp32.onnx", tmp_path / "budget.md"
    for file in (source, Path(f"{source}.json"), *source.parent.glob("model.golden.*.npz")):
        shutil.copy(file, tmp_path)
    host = describe_host()
    budget = LatencyBudget(
        limit_ms=1000, max_batch=2, images_per_second=30, p99_ms=5, processor=host.processor, cores=host.cores,
        device="CPU", runtime=f"ONNX Runtime {ort.__version__}",
    )  # fmt: skip
    write_card(onnx, read_card(onnx).changed(latency_budget=budget))
    run(parse([str(onnx), "--seconds", "0.5", "--rounds", "1", "--out", str(out)]))
    rows = [line.split(" | ") for line in out.read_text().splitlines() if " | yes | " in line or " | no | " in line]
    assert len(rows) == 8
    assert out.read_text().startswith("# A server with and without a latency budget of 1000 ms\n")
    assert all(row[-1] == "0 |" for row in rows)
