import pytest

from experiments.cold_start import traced


@pytest.fixture(autouse=True)
def marks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traced, "MARKS", [("Python itself", 0.0)])
    monkeypatch.setattr(traced, "INSIDE", {})


class Loader:
    @staticmethod
    def load() -> int:
        return Loader.session()

    @staticmethod
    def session() -> int:
        return sum(range(200_000))


def test_a_stage_inside_another_one_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Loader, "load", Loader.load)
    monkeypatch.setattr(Loader, "session", Loader.session)
    traced.timed(Loader, "session", "load: session")
    traced.begins(Loader, "load", traced.MAIN, "result")
    Loader.load()
    stages = traced.stages()
    assert set(stages) == {"Python itself", traced.MAIN, "result", "load: session", "other threads"}
    assert stages["load: session"] > 1 > stages[traced.MAIN] >= 0
