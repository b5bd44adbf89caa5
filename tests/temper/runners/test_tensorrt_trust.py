"""What the card of a plan may not decide, unless the plan was made here or is signed."""

from pathlib import Path
from typing import Any

import pytest

from temper.errors import ArtifactError
from temper.runners import tensorrt
from temper.runners.load import load_runner
from temper.runners.trt.engine import Plan
from tests.temper.runners.simulated_runner import Simulation
from tests.temper.runners.test_tensorrt import crash


def test_a_card_that_names_this_machine_does_not_skip_the_trial_in_a_child(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 1, 1)])
    monkeypatch.setattr(tensorrt, "try_loading", crash)
    with pytest.raises(ArtifactError, match=r"crashes tensorrt \(SIGSEGV\)"):
        simulation.open(is_authentic=False)


def test_who_says_nothing_of_the_origin_does_not_stand_for_it(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 1, 1)], portable=("version",))
    with pytest.raises(ArtifactError, match="contains a runtime of its own"):
        load_runner(simulation.plan)


def test_a_card_does_not_allow_the_host_code_of_its_plan(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 1, 1)], portable=("version",))
    allowed: list[bool] = []

    def load_engine(trt: object, plan: Plan, log: object) -> Any:
        allowed.append(plan.has_host_code)
        return simulation.engine

    monkeypatch.setattr(tensorrt, "load_engine", load_engine)
    with pytest.raises(ArtifactError, match="contains a runtime of its own"):
        simulation.open(is_authentic=False)
    assert not allowed, "nothing was loaded"
    simulation.open().close()
    assert allowed == [True]
