import pytest

from convert.trt.build_options import BuildOptions, parse_batch, parse_options
from temper.errors import UserError


def test_words_become_options() -> None:
    words = ["level=5", "workspace=512", "profiles=1:1:1+8:8:8", "portable=version+ampere", "for=8.6+8.9"]
    assert parse_options(words) == BuildOptions(5, 512, ((1, 1, 1), (8, 8, 8)), ("version", "ampere"), ("8.6", "8.9"))


def test_without_words_all_is_left_to_tensorrt() -> None:
    assert parse_options([]) == BuildOptions()


@pytest.mark.parametrize(
    "word", ["level=6", "level=high", "workspace=0", "profiles=8:1:1", "portable=everywhere", "for=ada", "speed=9", ""]
)
def test_a_word_it_does_not_know_names_those_it_does(word: str) -> None:
    with pytest.raises(UserError, match=rf"--builder {word} is not understood\. Expected one of: level=0\.\.5"):
        parse_options([word])


@pytest.mark.parametrize("text", ["8", "1:8", "0:1:2", "8:1:32", "1:8:4", "a:b:c"])
def test_a_batch_range_is_three_numbers_in_order(text: str) -> None:
    with pytest.raises(ValueError):
        parse_batch(text)
