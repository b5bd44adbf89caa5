import dataclasses

import pytest

from convert.verification.accuracy_gate import Limits, mcnemar, violations
from convert.verification.parity import Agreement, Flip


def agreement(lost: int = 0, won: int = 0, n: int = 400, class_drop: float = 0.0) -> Agreement:
    flips = tuple(Flip(f"{i}.jpg", "cat", "cat", "dog") for i in range(lost + won))
    right = n - 20
    return Agreement(
        n,
        (right - lost + won) / n,
        right / n,
        1 - (lost + won) / n,
        0.1,
        0.01,
        0.99,
        lost,
        won,
        class_drop,
        "cat",
        flips,
    )


def test_equal_answers_pass() -> None:
    assert violations(agreement(), Limits(), "int8") == []


def test_a_fall_of_top1_is_named_with_interval_and_p_value() -> None:
    (said,) = violations(agreement(lost=10), Limits(min_agreement=90), "int8")
    assert "top-1 falls by 2.5 points" in said
    assert "McNemar p = 0.002" in said


def test_losses_and_gains_that_balance_are_no_fall_but_do_disagree() -> None:
    (said,) = violations(agreement(lost=10, won=10), Limits(), "int8")
    assert "20 of 400 pictures change their label: 95.0 % agree" in said


def test_one_picture_is_never_evidence() -> None:
    assert violations(agreement(lost=1, n=20, class_drop=0.1), Limits(), "fp32") == []


def test_the_fall_of_one_label_alone_is_seen() -> None:
    (said,) = violations(agreement(lost=3, won=3, class_drop=0.015 * 2), Limits(min_agreement=90), "int8")
    assert "recall of 'cat' falls by 3.0 points" in said


def test_what_passes_for_int8_need_not_pass_for_fp32() -> None:
    assert violations(agreement(lost=2, won=2), Limits(), "int8") == []
    assert violations(agreement(lost=2, won=2), Limits(), "fp32") != []


def test_mcnemar_agrees_with_the_binomial_by_hand() -> None:
    assert mcnemar(0, 0) == 1
    assert mcnemar(5, 0) == pytest.approx(2 / 32)
    assert mcnemar(1, 3) == mcnemar(3, 1) == pytest.approx(2 * (1 + 4) / 16)


def test_a_fall_of_just_what_is_allowed_passes() -> None:
    # 379 of 400 right before and 377 after: half a point, which floats make a little more of.
    found = dataclasses.replace(agreement(lost=2), keras_top1=379 / 400, top1=377 / 400)
    assert 100 * (found.keras_top1 - found.top1) > 0.5
    assert violations(found, Limits(max_drop=0.5), "int8") == []
