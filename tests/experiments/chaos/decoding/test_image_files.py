import subprocess
from pathlib import Path

import numpy as np
import pytest

from experiments.chaos.decoding.image_files import attacked, drawn_images, pillow_images
from experiments.chaos.decoding.images import MIN_COUNT_FOR_PILLOW, corpus_for, describe


def test_the_corpus_comes_first_and_mutants_depend_on_the_seed_alone(tmp_path: Path) -> None:
    corpus = drawn_images(tmp_path)
    assert [attacked(corpus, number, 1) for number in range(6)] == [path.read_bytes() for path in corpus]
    mutants = [[attacked(corpus, number, seed) for number in range(6, 60)] for seed in (1, 1, 2)]
    assert mutants[0] == mutants[1] != mutants[2]
    originals = {path.read_bytes() for path in corpus}
    assert np.mean([mutant in originals for mutant in mutants[0]]) < 0.1


def test_images_that_are_there_are_not_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pillow-images" / "a").mkdir(parents=True)
    (tmp_path / "pillow-images" / "a" / "b.png").touch()
    monkeypatch.setattr("subprocess.run", None)
    assert pillow_images(tmp_path) == [tmp_path / "pillow-images" / "a" / "b.png"]


def test_without_a_download_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.run", lambda command, **_: subprocess.CompletedProcess(command, 1))
    assert pillow_images(tmp_path) == []
    assert describe(corpus_for(MIN_COUNT_FOR_PILLOW, tmp_path)) == "6 drawn images"
