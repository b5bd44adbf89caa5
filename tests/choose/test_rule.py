import pytest

from choose.rule import Limits, choose_artifact, pareto_front, violations
from tests.choose.sample_choices import measured, several


@pytest.mark.parametrize(
    ("limits", "chosen"),
    [
        # One point below the most accurate one, by default.
        (Limits(), "small-224 int8.xml"),
        (Limits(max_loss=0.5), "resnet50-224 int8.xml"),
        (Limits(max_loss=0.0), "resnet50-224 fp32.xml"),
        (Limits(max_loss=5.0), "small-160 int8.xml"),
        # An accuracy replaces the default loss.
        (Limits(min_accuracy=93.0), "small-160 int8.xml"),
        (Limits(min_accuracy=97.0), "resnet50-224 int8.xml"),
        (Limits(max_ms=7.0), "small-224 int8.xml"),
        (Limits(max_megabytes=30.0, max_loss=0.5), "resnet50-224 int8.xml"),
        (Limits(min_images_per_second=1100.0, max_loss=5.0), "small-160 int8.xml"),
    ],
)
def test_the_fastest_artifact_within_all_limits_is_chosen(limits: Limits, chosen: str) -> None:
    artifact = choose_artifact(several(), limits)
    assert artifact and artifact.name == chosen


@pytest.mark.parametrize(
    "limits",
    [
        Limits(max_ms=0.5),
        # Within 1.5 ms is only one that loses 4.5 points: a limit of latency does not lower that of accuracy.
        Limits(max_ms=1.5),
        Limits(min_accuracy=99.0),
        Limits(max_megabytes=1.0),
        Limits(min_images_per_second=5000.0),
    ],
)
def test_nothing_is_chosen_where_nothing_is_within_all_limits(limits: Limits) -> None:
    assert choose_artifact(several(), limits) is None


def test_the_test_images_decide_nothing() -> None:
    favored, other = (
        measured("a-32 int8.xml", 2.0, 95.0, points=-40.0),
        measured("b-32 int8.xml", 3.0, 95.0, points=40.0),
    )
    assert choose_artifact([favored, other], Limits()) is favored
    assert pareto_front([favored, other]) == [favored]


def test_of_equally_fast_artifacts_the_more_accurate_one_is_chosen() -> None:
    worse, better = measured("a-32 int8.xml", 2.0, 95.0), measured("b-32 int8.xml", 2.0, 95.5)
    assert choose_artifact([worse, better], Limits()) is better


def test_a_loss_of_exactly_the_limit_is_allowed() -> None:
    # 0.955 - 0.945 is a little more than 0.01 in floating point.
    best, other = measured("a-32 int8.xml", 2.0, 95.5), measured("b-32 int8.xml", 1.0, 94.5)
    assert choose_artifact([best, other], Limits(max_loss=1.0)) is other


def test_every_limit_that_is_exceeded_is_named_with_both_numbers() -> None:
    every = several()
    limits = Limits(max_ms=0.5, min_images_per_second=2000, max_megabytes=3, max_loss=1, min_accuracy=95)
    assert violations(every[-1], every, limits) == [
        "1.00 ms, more than 0.5",
        "1231.1 images/s, fewer than 2000",
        "5.0 MB, more than 3",
        "93.0 % accurate, less than 95",
        "4.5 points below the most accurate, more than 1",
    ]


def test_the_front_holds_what_nothing_equals_in_one_figure_and_exceeds_in_the_other() -> None:
    slower, worse, equal = (
        measured("a-32 fp32.xml", 3.0, 96.5),
        measured("b-32 fp32.xml", 2.0, 96.0),
        measured("c-32 fp32.xml", 2.0, 96.5),
    )
    front = pareto_front([slower, worse, *several(), equal])
    assert [each.name for each in front] == [
        "small-160 int8.xml", "small-224 int8.xml", "resnet50-224 int8.xml", "resnet50-224 fp32.xml",
    ]  # fmt: skip
    assert pareto_front([]) == []


def test_the_rule_is_a_sentence() -> None:
    assert Limits().sentence() == (
        "The rule takes the fastest artifact with an accuracy at most 1 point below the most accurate artifact, on "
        "validation images."
    )
    text = Limits(max_ms=5, min_images_per_second=100, max_megabytes=10, min_accuracy=97).sentence()
    assert text == (
        "The rule takes the fastest artifact with a median latency of at most 5 ms and at least 100 images/s and at "
        "most 10 MB and an accuracy of at least 97 %, on validation images."
    )
