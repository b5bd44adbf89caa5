import dataclasses

import pytest

from train.config import TrainingConfig

FROZEN = TrainingConfig("imagenet", "head", 224, 2, 8, 1e-4)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {},
            "training the head of resnet50 from imagenet: 224 px, 2 epochs, batch 8, rate 0.0001 (Adam), seed 0",
        ),
        (
            {"epochs": 1, "fine_tune": 1, "seed": 3},
            "training the head of resnet50 from imagenet: 224 px, 1 epoch, batch 8, rate 0.0001 (Adam), "
            "then its top blocks for 1 epoch, seed 3",
        ),
        (
            {"weights": "none", "layers": "all", "backbone": "convnext-tiny", "epochs": 8, "learning_rate": 1e-3},
            "training all layers of convnext-tiny from scratch: 224 px, 8 epochs, batch 8, rate 0.001 "
            "(AdamW, warm-up and cosine), seed 0",
        ),
        (
            {"head": "lbfgs", "passes": 1, "weights": "mine.weights.h5 0123456789abcdef", "fine_tune": 5},
            "solving the head of resnet50 from mine.weights.h5: 224 px, 1 pass, L-BFGS, "
            "then its top blocks for 5 epochs, seed 0",
        ),
    ],
)
def test_the_line_before_a_training_tells_what_was_chosen(changes: dict[str, object], told: str) -> None:
    assert dataclasses.replace(FROZEN, **changes).summary() == told  # type: ignore[arg-type]
