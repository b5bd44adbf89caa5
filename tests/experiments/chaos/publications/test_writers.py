import pytest

from experiments.chaos import planted
from tests.experiments.chaos.suites import run_suite

pytestmark = pytest.mark.programs
NAME = "two writers and a reader"


def test_two_writers_and_a_reader_never_see_a_mixture() -> None:
    record = run_suite(NAME, 60)
    assert (record["tried"], record["ok"]) == (6, 6)
    assert (record["more"]["publications"], record["more"]["failed reads"]) == (60, 0)


def test_a_publication_without_a_lock_is_noticed() -> None:
    record = run_suite(NAME, 200, planted.ONE_BY_ONE)
    assert record["wrong"] + record["lost"] + record["silent"] > 0
