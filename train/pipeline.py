"""From images and a configuration to a model with its card, its split, a model card and charts."""

import dataclasses
import logging
from pathlib import Path

import keras
import msgspec
import numpy as np
from numpy.typing import NDArray

from temper.artifact import Artifact
from temper.card import Card, Dataset, Training, write_card
from temper.dataset.listing import dataset_title
from temper.dataset.split import Example, Subset, write_split
from temper.errors import InvalidPredictions
from temper.escaping import in_markdown
from temper.provenance import provenance
from temper.runners.base import Runner
from temper.storage.atomic import atomic_write, write_text
from temper.storage.publish import remove_when_published
from temper.storage.space import explain_full_disk
from temper.system.host import describe_host
from temper.trust.records import record_made_here
from train.config import TrainingConfig
from train.dataset.batches import evaluation_batches
from train.dataset.decode import LabeledImages, decode, labels_of, load_subsets
from train.dataset.leaks import describe_leaks
from train.distillation.teacher import Teacher
from train.evaluation.charts import draw_confusion, draw_curves, draw_mistakes, draw_reliability, draw_suspects
from train.evaluation.metrics import Evaluation, evaluate, unknown_threshold
from train.evaluation.model_card import write_history, write_model_card, write_summary
from train.evaluation.suspect_labels import SuspectLabels
from train.evaluation.suspect_report import suspects_section, write_suspects
from train.evaluation.temperature_scaling import best_temperature, fold_into_weights, is_at_limit
from train.fitting.strategies import build, fine_tune, gpus, train_all_layers, train_head
from train.fitting.training_data import TrainingContext, TrainingData
from train.page.model_page import model_page
from train.trained_model import TrainedModel
from train.up_to_date import SPLIT_SUFFIX, dataset_record

LOGGER = logging.getLogger("temper.train")
PACKAGES = ("keras", "tensorflow", "numpy", "pillow")
# Images of which the page shows augmented versions.
MAX_SAMPLES = 4
SUSPECT_SUFFIXES = (".suspects.csv", ".suspects.png")


def load_data(
    examples: list[Example], config: TrainingConfig, context: TrainingContext, teacher: Runner | None = None
) -> TrainingData:
    """Seed all random generators and decode the images; those for training also at the size of a teacher."""
    keras.utils.set_random_seed(config.seed)
    data = TrainingData(
        labels=labels_of(examples),
        images=load_subsets(examples, config.size, context.progress),
        examples=examples,
        config=config,
        context=context,
    )
    if teacher is None:
        return data
    pixels = data.images["train"].pixels
    if teacher.card.size != config.size:
        pixels = decode([each for each in examples if each.subset == "train"], teacher.card.size, context.progress)
    return dataclasses.replace(data, teacher=Teacher(predict=teacher.predict, pixels=pixels, student_size=config.size))


def train(
    examples: list[Example],
    config: TrainingConfig,
    backbone: keras.Model | None,
    context: TrainingContext,
    teacher: Runner | None = None,
) -> TrainedModel:
    """Decode the images, fit the model, calibrate it on the validation subset and evaluate it on the test subset.

    backbone: with pretrained weights, or None to train from scratch. teacher: that of the configuration.
    """
    data = load_data(examples, config, context, teacher)
    result = train_head(data, backbone) if config.trainable == "head" else train_all_layers(data, backbone)
    history, seconds, suspects, first_fine_tuned = result.history, result.seconds, result.suspects, 0
    if config.fine_tune:
        first_fine_tuned = len(history["loss"]) + 1
        result = fine_tune(data, result.model, first_fine_tuned)
        history = {name: values + result.history[name] for name, values in history.items()}
        seconds += result.seconds
    # Built anew in float32: while training, layers may have computed in bfloat16.
    model = build(data.labels, config)
    model.set_weights(result.model.get_weights())
    return TrainedModel(
        model=model,
        history=history,
        evaluation=_calibrate_and_evaluate(model, data),
        pixels=data.images["test"].pixels,
        seconds=seconds,
        first_fine_tuned=first_fine_tuned,
        suspects=suspects,
        samples=_samples(data.images["train"]),
    )


def save(
    trained: TrainedModel, artifact: Artifact, folder: Path, examples: list[Example], config: TrainingConfig
) -> None:
    """Write the model, its card and everything beside it; the files of an earlier model are replaced all at once."""
    title, evaluation = dataset_title(folder), trained.evaluation
    names = [each.path.name for each in examples if each.subset == "test"]
    dataset = f"{in_markdown(title)}: one label for each image, {describe_leaks(examples, folder)}"
    needed = 4 * trained.model.count_params()
    with atomic_write(artifact.path) as path, explain_full_disk({path.parent: needed}, "the training"):
        new = Artifact.at(path)
        write_summary(new.beside(".summary.txt"), trained.model)
        write_history(new.beside(".history.csv"), trained.history)
        draw_curves(new.beside(".curves.png"), trained.history, trained.first_fine_tuned)
        draw_confusion(new.beside(".confusion.png"), evaluation, title)
        draw_reliability(new.beside(".reliability.png"), evaluation, title)
        draw_mistakes(new.beside(".mistakes.png"), evaluation, title, trained.pixels, names)
        section = suspects_section(trained.suspects, folder, artifact.path.stem)
        write_model_card(new.beside(".md"), evaluation, config, dataset, examples, section)
        write_text(new.beside(".html"), model_page(artifact.path.stem, trained, folder, examples, config))
        _save_suspects(trained.suspects, new, folder)
        split = write_split(new.beside(SPLIT_SUFFIX), folder, examples)
        trained.model.save(new.path)
        write_card(new.path, _card(trained, new, dataset_record(split, folder), config))
        record_made_here(new)


def _samples(images: LabeledImages) -> NDArray[np.uint8]:
    """Copies of the first image of each label, at most MAX_SAMPLES."""
    first = np.unique(images.targets.argmax(axis=1), return_index=True)[1]
    return np.array(images.pixels[np.sort(first[:MAX_SAMPLES])])


def _save_suspects(suspects: SuspectLabels | None, new: Artifact, folder: Path) -> None:
    """Write the files that list suspect labels; without any, those of an earlier model are removed."""
    listing, sheet = map(new.beside, SUSPECT_SUFFIXES)
    if suspects and suspects.suspects:
        write_suspects(listing, folder, suspects)
        draw_suspects(sheet, suspects, dataset_title(folder))
        return
    remove_when_published(listing)
    remove_when_published(sheet)


def _card(trained: TrainedModel, artifact: Artifact, dataset: Dataset, config: TrainingConfig) -> Card:
    return Card(
        labels=trained.evaluation.labels,
        size=config.size,
        sha256=artifact.sha256(),
        provenance=provenance(packages=PACKAGES),
        host=msgspec.structs.replace(describe_host(), device="GPU" if gpus() else "CPU"),
        dataset=dataset,
        confidence_threshold=round(trained.evaluation.confidence_threshold, 6),
        training=Training(config=dataclasses.asdict(config), result=trained.evaluation.result(trained.seconds)),
    )


def _calibrate_and_evaluate(model: keras.Model, data: TrainingData) -> Evaluation:
    """Choose the temperature on val, evaluate on test, and fold the temperature into the model's weights.

    Raises InvalidPredictions when the training diverged.
    """

    def predict(subset: Subset) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        images: LabeledImages = data.images[subset]
        probabilities = model.predict(evaluation_batches(images), verbose=0)
        if not np.isfinite(probabilities).all():
            raise InvalidPredictions(
                "the training diverged: the model gives values that are not finite numbers in place of probabilities",
                fix="Train again with a lower --learning-rate; --lr-range-test suggests one.",
            )
        return probabilities, images.targets.argmax(axis=1)

    validation = predict("val")
    temperature = best_temperature(*validation) if data.config.calibrate else 1.0
    if is_at_limit(temperature):
        LOGGER.warning(
            "the calibration failed: the search for the temperature ended near its limit (%.2f), so confidences are "
            "not reliable. More validation images can help (--held-out-fraction).",
            temperature,
        )
    threshold = unknown_threshold(validation[0], temperature)
    evaluation = evaluate(*predict("test"), data.labels, temperature, threshold)
    fold_into_weights(model, temperature)
    return evaluation
