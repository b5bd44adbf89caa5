import contextlib
import importlib
import inspect
from pathlib import Path

import pytest

from experiments.chaos.registry import SUITES, Suite, suite_named


def function(name: str) -> object:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("suite", SUITES, ids=lambda each: each.name)
def test_a_suite_has_a_function_of_three_parameters_and_a_fault_that_can_be_planted(suite: Suite) -> None:
    parameters = list(inspect.signature(function(suite.function)).parameters.values())  # type: ignore[arg-type]
    assert [each.name for each in parameters if each.default is each.empty] == ["count", "seed", "scratch"]
    assert suite.count >= suite.fault_count > 0
    assert callable(function(suite.fault))


def test_names_are_unique() -> None:
    assert len({each.name for each in SUITES}) == len(SUITES)


def counts(count: int, seed: int, scratch: Path) -> dict[str, object]:
    assert scratch.is_dir()
    return {"tried": count, "ok": count, "seconds": 0.1, "peak_mib": seed}


def test_a_suite_may_return_counts_by_name(tmp_path: Path) -> None:
    limits = {"peak_mib": 4, "ok": 3, "slow": 0}
    suite = Suite(
        name="x", what="x", function=f"{__name__}:counts", count=1, fault=f"{__name__}:no_fault", fault_count=1,
        limits=limits,
    )  # fmt: skip
    with suite.planted():
        record = suite.run(3, 5, tmp_path / "new")
    assert (record.tried, record.more) == (3, {"peak_mib": 5})
    assert suite.exceeded(record) == ["peak_mib"]


def no_fault() -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext()


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(KeyError):
        suite_named("none")
