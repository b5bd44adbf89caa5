from experiments.chaos.artifacts.outcomes import OUTCOMES, Outcomes
from temper.errors import ArtifactError


def raising(error: Exception) -> bool:
    raise error


def test_each_end_of_a_try_is_counted_and_what_should_not_occur_is_kept() -> None:
    outcomes = Outcomes()
    assert outcomes.attempt(lambda: True) == "ok"
    assert outcomes.attempt(lambda: False, "a bit") == "silent"
    assert outcomes.attempt(lambda: raising(ArtifactError("damaged"))) == "refused"
    assert outcomes.attempt(lambda: raising(KeyError("x")), "a field") == "traceback"
    outcomes.add("crash", 2)
    counts = outcomes.as_dict()
    assert counts["tried"] == 6
    assert [counts[each] for each in OUTCOMES] == [1, 1, 1, 1, 2]
    assert counts["examples"] == ["a bit: silent", "a field: KeyError: 'x'"]
