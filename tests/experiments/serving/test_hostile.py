from collections import Counter
from pathlib import Path

import pytest

from experiments.serving import hostile, hostile_requests


def test_statuses_are_described() -> None:
    assert hostile.describe(Counter({"413": 1, "400": 12})) == "12 × 400, 1 × 413"


@pytest.mark.programs
def test_no_hostile_request_gets_500_or_ends_a_process(
    made_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without the slow senders: tests of the connections cover them in less time.
    quick = [each for each in hostile_requests.kinds("model", 16, 70) if not each.pause]
    monkeypatch.setattr(hostile, "kinds", lambda *_: quick)
    monkeypatch.setattr(hostile, "SETTLE_SECONDS", 0.1)
    out = tmp_path / "hostile.md"
    hostile.run(hostile.parse([str(made_bundle.with_name("model.fp32.onnx")), "--requests", "40", "--out", str(out)]))
    text = out.read_text()
    assert "Status 500: 0; " in text
    assert "Processes that ended: 0." in text
    assert "200 got a prediction, 0 a wrong one" in text
    assert "closed" not in text
