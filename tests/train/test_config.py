import dataclasses

import pytest

from train.config import NO_AUGMENTATION, TrainingConfig


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {},
            "training head of resnet50 from imagenet: 224 px, 2 epochs, batch 8, learning rate 0.0001 (Adam), seed 0",
        ),
        (
            {"epochs": 1, "fine_tune": 1, "seed": 3},
            "training head of resnet50 from imagenet: 224 px, 1 epoch, batch 8, learning rate 0.0001 (Adam), "
            "then fine-tuning of the top blocks for 1 epoch, seed 3",
        ),
        (
            {"weights": "none", "trainable": "all", "backbone": "convnext-tiny", "epochs": 8, "learning_rate": 1e-3},
            "training all layers of convnext-tiny from scratch: 224 px, 8 epochs, batch 8, learning rate 0.001 "
            "(AdamW, warm-up and cosine), seed 0",
        ),
        (
            {"head": "lbfgs", "augmentation_passes": 1, "weights": "a.weights.h5 0123456789abcdef", "fine_tune": 5},
            "training head of resnet50 from a.weights.h5: 224 px, 1 augmentation pass, L-BFGS, "
            "then fine-tuning of the top blocks for 5 epochs, seed 0",
        ),
        (
            {"teacher": "teacher.keras sha256:0123"},
            "training head of resnet50 from imagenet: 224 px, 2 epochs, batch 8, learning rate 0.0001 (Adam), "
            "teacher teacher.keras, seed 0",
        ),
    ],
)
def test_the_summary_shows_what_will_be_trained(changes: dict[str, object], expected: str) -> None:
    assert dataclasses.replace(TrainingConfig(), **changes).summary() == expected  # type: ignore[arg-type]


def test_fine_tuning_uses_a_tenth_of_the_learning_rate_and_restores_the_best_epoch() -> None:
    schedule = TrainingConfig(learning_rate=0.1, fine_tune=3).fine_tuning_schedule()
    assert schedule.epochs == 3
    assert schedule.learning_rate == pytest.approx(0.01)
    assert schedule.restore_best and schedule.include_initial_weights


def test_training_all_layers_restores_the_best_epoch_with_patience_only() -> None:
    assert not TrainingConfig().schedule().restore_best
    assert TrainingConfig(patience=2).schedule().restore_best


def test_features_depend_on_dtype_library_backbone_weights_size_and_augmentation_but_not_on_the_head() -> None:
    config, versions = TrainingConfig(weights="file", size=32), {"keras": "3.1"}
    keys = {
        config.features_key("float32", versions),
        config.features_key("mixed_bfloat16", versions),
        config.features_key("float32", {"keras": "3.2"}),
        *(
            dataclasses.replace(config, **changes).features_key("float32", versions)
            for changes in (
                {"backbone": "mobilenetv2"},
                {"weights": "another"},
                {"size": 64},
                {"augmentation": NO_AUGMENTATION},
            )
        ),
    }
    assert len(keys) == 7
    other_head = dataclasses.replace(config, epochs=9, learning_rate=1.0)
    assert other_head.features_key("float32", versions) in keys


def test_predictions_of_a_teacher_depend_on_it_and_on_the_views_but_not_on_the_student() -> None:
    config, versions = TrainingConfig(teacher="teacher.keras sha256:0123"), {"keras": "3.1"}
    key = config.predictions_key(versions)
    assert dataclasses.replace(config, backbone="mobilenetv2", size=96).predictions_key(versions) == key
    assert dataclasses.replace(config, teacher="teacher.keras sha256:4567").predictions_key(versions) != key
    assert dataclasses.replace(config, augmentation=NO_AUGMENTATION).predictions_key(versions) != key
    assert config.predictions_key({"keras": "3.2"}) != key
