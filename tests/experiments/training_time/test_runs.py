import argparse
from pathlib import Path

import pytest

from experiments.training_time import runs as training_runs
from temper.artifact import Artifact
from temper.card import Card, Training, TrainingResult, write_card
from temper.cli.progress import no_progress


def test_the_run_with_the_median_time_counts_and_its_features_are_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds, started = iter([3.0, 1.0, 2.0, 6.0, 5.0, 4.0, 0.1]), []

    def train(*arguments: str | Path) -> None:
        out, passes = Path(arguments[-1]), int(str(arguments[arguments.index("--augmentation-passes") + 1]))
        started.append((out, passes))
        assert arguments[arguments.index("--seed") + 1] == "3"
        out.parent.mkdir(parents=True, exist_ok=True)
        out.touch()
        result = TrainingResult(images=1, accuracy=1.0, interval=(0.0, 1.0), seconds=next(seconds))
        training = Training(config={"augmentation_passes": passes}, result=result)
        write_card(out, Card(labels=("a", "b"), size=32, sha256=Artifact.at(out).sha256(), training=training))

    monkeypatch.setattr(training_runs, "run_program", train)
    options = argparse.Namespace(data=tmp_path, weights=tmp_path / "w.h5", size=32, work=tmp_path / "work")
    artifacts = training_runs.train_with_run_py(options, no_progress, seed=3)
    times = {name: each.card.training.result.seconds for name, each in artifacts.items() if each.card.training}
    assert times == {training_runs.ONE_PASS: 2.0, training_runs.TWO_PASSES: 5.0, training_runs.CACHED: 0.1}
    assert [passes for _, passes in started] == [1, 1, 1, 2, 2, 2, 1]
    assert len({out.parent for out, _ in started}) == 6
    assert artifacts[training_runs.CACHED].path.parent == artifacts[training_runs.ONE_PASS].path.parent
