from pathlib import Path

import numpy as np
import pytest

from experiments.chaos import guards
from experiments.chaos.decoding.images import corpus_for, make_attack, run


@pytest.mark.programs
def test_decoding_a_few_hostile_files_leaves_no_traceback(tmp_path: Path) -> None:
    figures = run(200, 0, tmp_path)
    assert figures["tried"] == figures["ok"] + figures["refused"] == 200
    assert figures["refused"] > 10
    assert (figures["traceback"], figures["crash"], figures["silent"], figures["worst"]) == (0, 0, 0, [])
    assert figures["peak_mb"] < 512


def test_the_result_of_the_attack_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attack = make_attack(corpus_for(10, tmp_path), 0, tmp_path)
    assert attack(0) == "ok"
    monkeypatch.setattr("experiments.chaos.decoding.images.SIZE", 8)
    monkeypatch.setattr("experiments.chaos.decoding.images.load_image", lambda image, size: np.zeros(3))
    assert attack(0) == "silent"


@pytest.mark.programs
def test_errors_of_decoders_that_are_not_explained_are_noticed(tmp_path: Path) -> None:
    with guards.unrefused():
        assert run(60, 0, tmp_path)["traceback"] > 0
