from pathlib import Path

import numpy as np
import pytest

from experiments.serving.clients import Outcome, Target, closed_loop, fixed_count, open_loop, until
from experiments.serving.running import known_predictions
from temper.system.child_process import run_in_child
from tests.temper.serve.serving import serving


def test_rates_and_percentiles_are_those_of_the_predictions() -> None:
    outcome = Outcome(seconds=[0.1, 0.2, 0.3], elapsed=2.0)
    assert (outcome.answered, outcome.per_second) == (3, 1.5)
    assert outcome.percentile(50) == pytest.approx(200)


@pytest.mark.programs
def test_predictions_are_counted_and_wrong_ones_are_noticed(made_bundle: Path, tmp_path: Path) -> None:
    onnx = made_bundle.with_name("model.fp32.onnx")
    images, known = known_predictions(onnx, 4)
    with serving(onnx) as server:
        target = Target(address=server.address, name="model", images=images, known=known[None])
        outcome = run_in_child(fixed_count, target, 4, 40)
        assert (outcome.answered, outcome.wrong, outcome.lost, outcome.statuses) == (40, 0, 0, {200: 40})
        assert run_in_child(closed_loop, target, 4, 1.0).answered > 4
        assert run_in_child(open_loop, target, 50.0, 0.4).answered == 20
        target.known = np.roll(known, 1, axis=1)[None]
        assert run_in_child(fixed_count, target, 4, 40).wrong > 0
        (tmp_path / "flag").touch()
        assert run_in_child(until, target, 4, tmp_path / "flag").answered == 0
