from pathlib import Path

import pytest

from temper.card import read_card
from temper.dataset.split import read_split
from temper.formats import open_runner
from temper.infer.classify import BATCH, classify
from temper.runners.base import Runner


@pytest.fixture(scope="module")
def runner(made_bundle: Path) -> Runner:
    return open_runner(made_bundle.with_name("model.fp32.onnx"))


def test_answers_come_in_the_order_of_the_files_across_batches(made_bundle: Path, runner: Runner) -> None:
    examples = read_split(made_bundle, read_card(made_bundle), "train")
    assert len(examples) > 2 * BATCH
    answers = list(classify(runner, [e.path for e in examples], 1))
    assert [a.file for a in answers] == [e.path for e in examples]
    right = sum(a.predictions[0].label == e.label for a, e in zip(answers, examples, strict=True))
    assert right / len(examples) > 0.9
    assert all(a.milliseconds > 0 for a in answers)


def test_what_cannot_be_read_is_an_answer_with_a_problem(made_bundle: Path, runner: Runner, tmp_path: Path) -> None:
    good = read_split(made_bundle, read_card(made_bundle), "test")[0].path
    (tmp_path / "bad.jpg").write_text("text")
    bad, fine, missing = classify(runner, [tmp_path / "bad.jpg", good, tmp_path / "none.jpg"], 2)
    assert "not a picture" in bad.problem
    assert "does not exist" in missing.problem
    assert len(fine.predictions) == 2
    assert not fine.problem


def test_nothing_but_unreadable_files_asks_the_runner_nothing(runner: Runner, tmp_path: Path) -> None:
    (answer,) = classify(runner, [tmp_path / "none.jpg"], 1)
    assert answer.problem
