import numpy as np
import pytest

from benchmarks.analysis.statistics import Estimate, independent_ratio, paired_ratio, percentile, proportion, rate


def test_percentiles_are_of_all_samples_and_not_of_percentiles() -> None:
    rounds = [np.array([1.0] * 98), np.array([5.0, 100.0])]
    assert percentile(rounds, 50).value == 1.0
    assert percentile(rounds, 100).value == 100.0


def test_the_interval_contains_the_value_and_narrows_with_rounds() -> None:
    random = np.random.default_rng(1)
    few = percentile([random.lognormal(size=5) for _ in range(5)], 50)
    many = percentile([random.lognormal(size=5) for _ in range(500)], 50)
    assert few.low <= few.value <= few.high
    assert many.high - many.low < (few.high - few.low) / 3


@pytest.mark.parametrize("percent", [50, 90])
def test_the_bootstrap_covers_the_true_value_about_as_often_as_claimed(percent: float) -> None:
    random = np.random.default_rng(2)
    truth = float(np.percentile(np.random.default_rng(3).lognormal(size=200_000), percent))
    covered = 0
    for _ in range(25):
        estimate = percentile([random.lognormal(size=4) for _ in range(40)], percent)
        covered += estimate.low <= truth <= estimate.high
    assert covered >= 20


@pytest.mark.parametrize("blocks", [8, 16])
def test_a_rate_of_few_blocks_covers_the_true_value_about_as_often_as_claimed(blocks: int) -> None:
    random = np.random.default_rng(6)
    covered = 0
    for _ in range(400):
        seconds = random.lognormal(sigma=0.3, size=blocks)
        estimate = rate([1.0] * blocks, seconds.tolist())
        covered += estimate.low <= 1 / np.exp(0.3**2 / 2) <= estimate.high
    # A plain percentile bootstrap covers 88 % with 8 blocks.
    assert covered / 400 > 0.92


def test_rounds_that_differ_widen_the_interval() -> None:
    random = np.random.default_rng(4)
    alike = [random.normal(10, 0.1, 50) for _ in range(10)]
    drifting = [each + shift for each, shift in zip(alike, random.normal(0, 1, 10), strict=True)]
    narrow, wide = percentile(alike, 50), percentile(drifting, 50)
    assert wide.high - wide.low > 10 * (narrow.high - narrow.low)


def test_drift_that_affects_both_does_not_change_a_paired_ratio() -> None:
    drift = np.linspace(1, 3, 30)
    assert paired_ratio(list(4 * drift), list(2 * drift)) == Estimate(2.0, 2.0, 2.0)


def test_a_rate_is_all_images_divided_by_all_seconds() -> None:
    assert rate([8, 16], [1.0, 1.0]).value == 12.0


def test_a_fraction_has_wilsons_interval() -> None:
    # Newcombe 1998, table I: 81 of 263.
    estimate = proportion(81, 263)
    assert (round(estimate.low, 4), round(estimate.high, 4)) == (0.2553, 0.3662)


def test_values_measured_apart_add_their_errors() -> None:
    estimate = independent_ratio(Estimate(2.0, 1.8, 2.2), Estimate(1.0, 0.9, 1.1))
    assert estimate.value == 2.0
    assert estimate.low < 1.8 < 2.2 < estimate.high


def test_an_interval_without_width_is_not_shown() -> None:
    assert Estimate(1234.56, 1200.0, 1300.0).text(1) == "1,234.6 [1,200.0, 1,300.0]"
    assert Estimate(8.6, 8.6, 8.6).text(1, "×") == "8.6×"


def test_an_estimate_can_be_shown_in_another_unit() -> None:
    assert Estimate(0.5, 0.25, 0.75).scaled(100) == Estimate(50, 25, 75)
