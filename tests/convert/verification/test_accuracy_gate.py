import msgspec
import pytest

from convert.verification.accuracy_gate import GateLimits, mcnemar, violations
from temper.card import Agreement, LabelFlip
from temper.errors import UsageError


def agreement(regressed: int = 0, improved: int = 0, n: int = 400, class_drop: float = 0.0) -> Agreement:
    flips = (LabelFlip(file="0.jpg", truth="cat", keras="cat", predicted="dog"),) * (regressed + improved)
    correct = n - 20
    return Agreement(
        images=n,
        top1=(correct - regressed + improved) / n,
        keras_top1=correct / n,
        agreement=1 - (regressed + improved) / n,
        max_difference=0.1,
        mean_difference=0.01,
        cosine=0.99,
        regressed=regressed,
        improved=improved,
        class_drop=class_drop,
        worst_class="cat",
        flips=flips,
    )


def test_equal_predictions_pass() -> None:
    assert violations(agreement(), GateLimits(), "int8") == []


def test_a_drop_of_top1_is_reported_with_interval_and_p_value() -> None:
    (violation,) = violations(agreement(regressed=10), GateLimits(min_agreement=90), "int8")
    assert "top-1 accuracy drops by 2.5 percentage points [" in violation
    assert "McNemar p = 0.002" in violation
    assert "the limit is 0.5" in violation


def test_regressions_and_improvements_that_balance_are_no_drop_but_violate_the_agreement() -> None:
    (violation,) = violations(agreement(regressed=10, improved=10), GateLimits(), "int8")
    assert "20 of 400 images change their label: the agreement is 95.0 % [" in violation
    assert "the limit is 97 %" in violation


def test_one_image_is_never_evidence() -> None:
    assert violations(agreement(regressed=1, n=20, class_drop=0.1), GateLimits(), "fp32") == []


def test_a_drop_in_the_recall_of_one_label_alone_is_a_violation() -> None:
    measured = agreement(regressed=3, improved=3, class_drop=0.015 * 2)
    (violation,) = violations(measured, GateLimits(min_agreement=90), "int8")
    assert "recall of 'cat' drops by 3.0 percentage points" in violation


def test_what_passes_for_int8_need_not_pass_for_fp32() -> None:
    assert violations(agreement(regressed=2, improved=2), GateLimits(), "int8") == []
    assert violations(agreement(regressed=2, improved=2), GateLimits(), "fp32") != []


def test_mcnemar_equals_the_binomial_by_hand() -> None:
    assert mcnemar(0, 0) == 1
    assert mcnemar(5, 0) == pytest.approx(2 / 32)
    assert mcnemar(1, 3) == mcnemar(3, 1) == pytest.approx(2 * (1 + 4) / 16)


def test_a_drop_of_exactly_the_limit_passes() -> None:
    # 379 of 400 correct before and 377 after: half a percentage point, which floats make a little more of.
    measured = msgspec.structs.replace(agreement(regressed=2), keras_top1=379 / 400, top1=377 / 400)
    assert 100 * (measured.keras_top1 - measured.top1) > 0.5
    assert violations(measured, GateLimits(max_drop=0.5), "int8") == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -5, 500, 100.1])
@pytest.mark.parametrize("name", ["max_drop", "max_class_drop", "min_agreement"])
def test_a_limit_outside_of_0_to_100_is_a_usage_error(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=rf"--{name.replace('_', '-')} is {value:g}\. Expected a number from 0 to 100"):
        GateLimits(**{name: value})


@pytest.mark.parametrize("value", [0, 100])
def test_the_ends_of_the_range_are_limits(value: float) -> None:
    limits = GateLimits(max_drop=value, max_class_drop=value, min_agreement=value)
    assert limits.max_drop == value
