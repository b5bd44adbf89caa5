import pytest

from temper.intervals import drop_interval, wilson


def test_wilsons_interval_is_the_published_one() -> None:
    # Newcombe 1998, table I: 81 of 263 and 0 of 20.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)


def test_the_interval_of_equal_predictions_contains_zero_inside() -> None:
    low, high = drop_interval(0, 0, 400)
    assert -0.01 < low < 0 < high < 0.01


def test_regressions_without_improvements_are_a_certain_drop() -> None:
    low, high = drop_interval(20, 0, 400)
    assert 0 < low < 20 / 400 < high


def test_the_interval_contains_the_drop_and_narrows_with_more_images() -> None:
    low, high = drop_interval(12, 4, 400)
    assert low < 8 / 400 < high
    wide = drop_interval(3, 1, 100)
    assert wide[1] - wide[0] > high - low
