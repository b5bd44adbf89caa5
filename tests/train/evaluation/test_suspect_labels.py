from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from temper.dataset.split import SUBSETS, Example
from tests.train.fitting.tiny_fit import small_data
from train.dataset.decode import LabeledImages
from train.evaluation import suspect_labels
from train.evaluation.confident_learning import Features
from train.evaluation.suspect_labels import find_suspects, group_copies, is_search_wanted
from train.fitting.training_data import TrainingData

pytestmark = pytest.mark.tensorflow
PER_SUBSET = 32
WRONG = {"train": (4, 9), "val": (3,), "test": (30,)}


def dataset(folder: Path) -> tuple[TrainingData, Features]:
    """Dark and bright images in all subsets, some in the folder of the other label, and features that separate them."""
    random, examples, images, features = np.random.default_rng(0), [], {}, []
    for subset in SUBSETS:
        truth = np.arange(PER_SUBSET) * 2 // PER_SUBSET
        labels = truth.copy()
        labels[list(WRONG[subset])] ^= 1
        pixels = np.arange(PER_SUBSET, dtype=np.uint8) + 32 * SUBSETS.index(subset)
        images[subset] = LabeledImages(
            np.broadcast_to(pixels[:, None, None, None], (PER_SUBSET, 32, 32, 3)), np.eye(2, dtype=np.float32)[labels]
        )
        examples += [
            Example(
                path=folder / f"{subset}{index}.png",
                label=("cat", "dog")[label],
                subset=subset,
                sha256=f"{subset}{index}",
            )
            for index, label in enumerate(labels)
        ]
        features.append(truth[:, None] * 4 + random.normal(0, 0.3, (PER_SUBSET, 6)))
    data = replace(small_data(folder, trainable="head"), examples=examples, images=images)
    return data, np.concatenate(features).astype(np.float32)


def test_wrong_labels_of_all_subsets_are_listed_with_their_pixels(tmp_path: Path) -> None:
    result = find_suspects(*dataset(tmp_path))
    wrong = {f"{subset}{index}.png" for subset, indices in WRONG.items() for index in indices}
    assert {each.path.name for each in result.suspects} == wrong
    assert result.n_images == 3 * PER_SUBSET
    assert result.not_examined == ()
    assert result.pixels.shape == (len(wrong), 32, 32, 3)
    for each, pixels in zip(result.suspects, result.pixels, strict=True):
        subset = next(name for name in SUBSETS if each.path.name.startswith(name))
        index = int(each.path.stem.removeprefix(subset))
        assert pixels.min() == pixels.max() == index + 32 * SUBSETS.index(subset)
        assert {each.label, each.looks_like} == {"cat", "dog"}
        assert each.looks_like == ("dog" if index >= PER_SUBSET / 2 else "cat")
        assert 0 <= each.label_probability < each.looks_like_probability <= 1
    margins = [each.label_probability - each.looks_like_probability for each in result.suspects]
    assert margins == sorted(margins)


def test_without_suspects_there_is_no_sheet(tmp_path: Path) -> None:
    data, features = dataset(tmp_path)
    truth = np.tile(np.arange(PER_SUBSET) * 2 // PER_SUBSET, 3)
    examples = [replace(each, label=("cat", "dog")[t]) for each, t in zip(data.examples, truth, strict=True)]
    result = find_suspects(replace(data, examples=examples), features)
    assert list(result.suspects) == []
    assert result.pixels.shape == (0, 32, 32, 3)


def test_the_sheet_has_the_first_suspects_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suspect_labels, "MAX_IN_SHEET", 2)
    result = find_suspects(*dataset(tmp_path))
    assert (len(result.suspects), len(result.pixels)) == (4, 2)


def test_a_label_with_few_images_is_named(tmp_path: Path) -> None:
    data, features = dataset(tmp_path)
    examples = [replace(each, label="fox") if index < 3 else each for index, each in enumerate(data.examples)]
    result = find_suspects(replace(data, examples=examples, labels=("cat", "dog", "fox")), features)
    assert result.not_examined == ("fox",)
    assert result.n_images == 3 * PER_SUBSET - 3


@pytest.mark.parametrize(
    ("limit", "find", "force", "wanted", "is_reported"),
    [
        (192, True, False, True, False),
        (191, True, False, False, True),
        (191, True, True, True, False),
        (191, False, False, False, False),
    ],
)
def test_labels_of_too_many_images_and_labels_are_examined_by_force_only(
    limit: int, find: bool, force: bool, wanted: bool, is_reported: bool, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr(suspect_labels, "MAX_PAIRS", limit)
    data = dataset(tmp_path)[0]
    context = replace(data.context, find_suspects=find, force_suspects=force)
    assert is_search_wanted(replace(data, context=context)) == wanted
    assert ("96 images times 2 labels are more than 191; --force-suspects" in caplog.text) == is_reported


def test_copies_and_near_duplicates_have_one_group() -> None:
    contents = ("one", "two", "two", "three", "four")
    examples = [
        Example(path=Path(f"{index}.png"), label="cat", subset="train", sha256=content)
        for index, content in enumerate(contents)
    ]
    groups = group_copies(examples, {Path("0.png"): "burst", Path("1.png"): "burst"})
    assert groups == ["burst", "burst", "burst", "three", "four"]
