import argparse
import random
from pathlib import Path

import pytest

from experiments.chaos.commands.wrong_words import FAULTS, unknown_option


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("images", nargs="*")
    parser.add_argument("--engine", type=Path)
    parser.add_argument("--top-k", type=int)
    return parser


@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: each.__name__)
def test_every_fault_changes_the_words_and_is_the_same_for_a_seed(fault: object) -> None:
    assert callable(fault)
    words = ["--engine", "model.onnx", "a.png"]
    changed = [fault(words, parser(), random.Random(seed)) for seed in range(20)]
    assert all(each != words for each, _ in changed)
    assert words == ["--engine", "model.onnx", "a.png"]
    assert changed == [fault(words, parser(), random.Random(seed)) for seed in range(20)]


def test_an_unknown_option_is_refused_by_its_parser() -> None:
    words, must_fail = unknown_option([], parser(), random.Random(0))
    assert must_fail
    with pytest.raises(SystemExit):
        parser().parse_args(words)
