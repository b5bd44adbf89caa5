import pytest

from convert.trt.build_options import BuildOptions, parse_options
from temper.card import BatchRange
from temper.errors import UsageError


def test_words_become_options() -> None:
    words = (
        "level=5", "workspace=512", "profiles=1:1:1+8:8:8", "compatibility=version+ampere",
        "compute_capabilities=8.6+8.9", "float=fp16",
    )  # fmt: skip
    assert parse_options(words) == BuildOptions(
        level=5,
        workspace_mib=512,
        profiles=(BatchRange(1, 1, 1), BatchRange(8, 8, 8)),
        portable=("version", "ampere"),
        compute_capabilities=("8.6", "8.9"),
        has_half_floats=True,
    )


def test_without_words_everything_is_left_to_tensorrt() -> None:
    assert parse_options(()) == BuildOptions()


@pytest.mark.parametrize(
    "word",
    [
        "level=6", "level=high", "workspace=0", "profiles=8:1:1", "compatibility=everywhere",
        "compute_capabilities=ada", "float=fp8", "speed=9", "",
    ],
)  # fmt: skip
def test_an_invalid_word_is_reported_with_all_that_are_valid(word: str) -> None:
    with pytest.raises(UsageError, match=rf"--builder-option {word} is not valid\.") as caught:
        parse_options((word,))
    first, *options = caught.value.fix.splitlines()
    assert first == "Expected one of:"
    assert [each.strip().partition("=")[0] for each in options] == [
        "level", "workspace", "profiles", "compatibility", "compatibility", "compatibility", "compute_capabilities",
        "float",
    ]  # fmt: skip
