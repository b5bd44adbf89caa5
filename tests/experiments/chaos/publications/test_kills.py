import pytest

from experiments.chaos import planted
from tests.experiments.chaos.suites import run_suite

pytestmark = pytest.mark.programs
NAME = "publications killed"


def test_a_killed_publication_leaves_the_old_or_the_new_artifact() -> None:
    record = run_suite(NAME, 20)
    assert (record["tried"], record["ok"], record["lost"]) == (20, 20, 0)
    assert record["more"]["killed"] >= 10


@pytest.mark.parametrize("fault", [planted.IN_PLACE, planted.ONE_BY_ONE])
def test_a_publication_with_a_fault_is_noticed(fault: str) -> None:
    # Of files that move one by one, a kill in 20 to 30 leaves a mixture.
    assert run_suite(NAME, 400, fault)["lost"] > 0
