from pathlib import Path

import numpy as np
import pytest

from convert.adopt.candidates import (
    Fit,
    LabeledPixels,
    check_plausible,
    clearly_best,
    fit_of,
    fits_table,
    try_all,
)
from convert.adopt.normalization import KNOWN
from convert.adopt.originals.base import Wanted
from convert.adopt.originals.onnx_file import OnnxOriginal
from temper.cli.progress import no_progress
from temper.errors import DataError, UsageError
from temper.images import load_images
from tests import tiny
from tests.convert.adopt.nets import onnx_net

LABELS = ("cat", "dog")


def fit(name: str, correct: int | slice, n: int = 100, confidence: float = 0.9) -> Fit:
    truth = np.arange(n) % 2
    predicted = 1 - truth
    part = correct if isinstance(correct, slice) else slice(correct)
    predicted[part] = truth[part]
    probabilities = np.full((n, 2), 1 - confidence, np.float32)
    probabilities[np.arange(n), predicted] = confidence
    return fit_of(KNOWN[name], probabilities, truth)


def test_the_preprocessing_that_a_network_expects_fits_best(bundle: Path) -> None:
    files = sorted((bundle.parent / "images").rglob("*.png"))
    truth = np.array([tiny.LABELS.index(path.parent.name) for path in files])
    images = LabeledPixels(pixels=np.stack(list(load_images(files, tiny.SIZE))), truth=truth)
    original = OnnxOriginal(onnx_net(bundle), Path("net.onnx"), Wanted())
    kind, fits = try_all(original, images, "auto", no_progress)
    assert kind == "logits"
    assert len(fits) == len(KNOWN)
    assert clearly_best(fits) == KNOWN["caffe"]
    assert "caffe" in fits_table(fits).plain().splitlines()[1]


def test_a_network_that_takes_uint8_has_its_preprocessing_inside(bundle: Path) -> None:
    import onnx

    pixels = np.zeros((2, tiny.SIZE, tiny.SIZE, 3), np.uint8)
    original = OnnxOriginal(onnx.load(bundle.with_name("model.fp32.onnx")), Path("net.onnx"), Wanted())
    kind, fits = try_all(original, LabeledPixels(pixels=pixels, truth=np.array([0, 1])), "auto", no_progress)
    assert kind == "probabilities"
    assert [each.normalization.name for each in fits] == ["none"]


def test_the_best_of_two_is_chosen_where_its_paired_interval_excludes_zero() -> None:
    assert clearly_best([fit("torch", 95), fit("tf", 80)]) == KNOWN["torch"]


def test_the_accuracy_decides_also_where_the_log_loss_of_another_one_is_lower() -> None:
    accurate, confident = fit("torch", 95, confidence=0.55), fit("tf", 80)
    assert confident.losses.mean() < accurate.losses.mean()
    assert clearly_best([accurate, confident]) == KNOWN["torch"]


def test_equal_accuracies_are_decided_by_the_log_loss() -> None:
    assert clearly_best([fit("torch", 95), fit("tf", 95, confidence=0.6)]) == KNOWN["torch"]


def test_where_nothing_decides_the_user_is_asked_to_name_one() -> None:
    with pytest.raises(UsageError, match=r"(?s)torch 95\.0 % .*, tf 94\.0 % .*--preprocessing torch"):
        clearly_best([fit("torch", 95), fit("tf", 94)])


def test_labels_in_another_order_are_seen() -> None:
    # With a wrong preprocessing some accuracy is left, with the right one and swapped labels none.
    fits = [fit("caffe", 70), fit("torch", 2)]
    with pytest.raises(DataError, match=r"(?s)98\.0 % would in another order \(images of cat get dog.*--preprocessing"):
        check_plausible(fits, LABELS, named=False)
    with pytest.raises(DataError, match="another order"):
        check_plausible([fit("torch", 2)], LABELS, named=True)


@pytest.mark.parametrize("n", [4, 10, 33, 40])
def test_where_all_images_get_their_label_the_order_is_right(n: int) -> None:
    check_plausible([fit("caffe", n, n)], LABELS, named=True)


def test_the_labels_that_are_exchanged_are_named_among_many() -> None:
    truth = np.repeat(np.arange(6), 20)
    exchanged = np.eye(6, dtype=np.float32)[np.where(truth >= 4, 9 - truth, truth)]
    with pytest.raises(DataError, match=r"\(images of e get f, images of f get e\)"):
        check_plausible([fit_of(KNOWN["caffe"], exchanged, truth)], tuple("abcdef"), named=False)


@pytest.mark.parametrize(
    ("best", "inverse"),
    [
        # In the other order 62 % are more than the interval of 52 % contains; but they are other images.
        (slice(52), slice(38)),
        # In the other order 58 % are more than 50 % of the same images; but not clearly more than 42 %.
        (slice(50, None), slice(42)),
    ],
)
def test_among_weak_fits_one_that_is_worse_than_guessing_is_no_other_order_of_labels(
    best: slice, inverse: slice
) -> None:
    with pytest.raises(DataError, match="no known preprocessing fits"):
        check_plausible([fit("caffe", best), fit("none", inverse)], LABELS, named=False)


def test_an_accuracy_of_guessing_is_refused_and_a_warning_where_the_preprocessing_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(DataError, match="no known preprocessing fits"):
        check_plausible([fit("torch", 52)], LABELS, named=False)
    check_plausible([fit("torch", 52)], LABELS, named=True)
    assert "no better than guessing" in caplog.text


def test_guessing_is_among_the_labels_that_have_images() -> None:
    labels = (*LABELS, *(f"class {i}" for i in range(998)))
    with pytest.raises(DataError, match=r"no known preprocessing fits.*guessing would give 50\.0 %"):
        check_plausible([fit("torch", 52)], labels, named=False)


def test_one_label_for_all_images_is_no_other_order_of_labels() -> None:
    truth = np.arange(100) % 2
    always = np.tile(np.array([[0.9, 0.1]], np.float32), (100, 1))
    is_correct, order = fit_of(KNOWN["torch"], always, truth).reordered
    assert not is_correct.any() and order == {}
