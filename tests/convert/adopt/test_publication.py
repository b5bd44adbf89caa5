from pathlib import Path

import numpy as np
import onnx
import pytest

from convert.adopt.normalization import KNOWN, NONE
from convert.adopt.originals.base import Wanted
from convert.adopt.originals.onnx_file import OnnxOriginal
from convert.adopt.publication import MAX_DIFFERENCE, Plan, adopt, check_equal, refuse_other_models
from temper.artifact import Artifact
from temper.card import write_card
from temper.dataset.find import find_examples
from temper.errors import ArtifactError, QualityError
from tests import tiny
from tests.convert.adopt.nets import onnx_net


def plan(bundle: Path, model: onnx.ModelProto) -> Plan:
    original = OnnxOriginal(model, Path("net.onnx"), Wanted())
    original.sha256 = "0" * 64
    images = bundle.parent / "images"
    return Plan(
        original=original, labels=tiny.LABELS, normalization=KNOWN["caffe"], kind="logits", folder=images,
        examples=find_examples(images, 0.6, 0),
    )  # fmt: skip


def test_equal_predictions_pass_and_the_largest_difference_is_given() -> None:
    expected = np.array([[0.9, 0.1], [0.4, 0.6]], np.float32)
    assert check_equal(expected, expected + np.float32(5e-4), "net") == pytest.approx(5e-4, abs=1e-6)


def test_another_label_or_a_larger_difference_is_refused() -> None:
    expected = np.array([[0.9, 0.1], [0.5001, 0.4999]], np.float32)
    with pytest.raises(QualityError, match=rf"limit is {MAX_DIFFERENCE:g}\), and 1 of 2 images"):
        check_equal(expected, np.array([[0.9, 0.1], [0.4997, 0.5003]], np.float32), "net")
    with pytest.raises(QualityError, match=r"differ by up to 0\.0100"):
        check_equal(expected, expected + np.array([0.01, -0.01], np.float32), "net")


def test_where_the_original_has_two_equal_labels_rounding_may_decide() -> None:
    tie = np.array([[0.50002, 0.49998]], np.float32)
    assert check_equal(tie, tie[:, ::-1], "net") < 1e-4


def test_nothing_is_published_where_the_wrapped_model_predicts_differently(bundle: Path, tmp_path: Path) -> None:
    made = plan(bundle, onnx_net(bundle))
    save = made.original.save_wrapped
    made.original.save_wrapped = lambda target, normalization, kind: save(target, NONE, kind)  # type: ignore[method-assign]
    with pytest.raises(QualityError, match="Nothing was published"):
        adopt(made, Artifact.at(tmp_path / "out" / "net.fp32.onnx"))
    assert list((tmp_path / "out").iterdir()) == []


def test_the_card_says_what_was_adopted_and_an_adoption_may_be_repeated(bundle: Path, tmp_path: Path) -> None:
    target = Artifact.at(tmp_path / "net.fp32.onnx")
    steps: list[tuple[str, int, int]] = []
    for _ in range(2):
        adopted = adopt(plan(bundle, onnx_net(bundle)), target, lambda *step: steps.append(step)).card.adopted
        assert adopted
        assert (adopted.original, adopted.preprocessing, adopted.layout, adopted.output) == (
            "net.onnx", "caffe", "NCHW", "logits",
        )  # fmt: skip
        assert adopted.images >= 10 and adopted.max_difference < 1e-5
    # The predictions before and after take most of the time.
    ended = [step for step, done, total in steps if done == total]
    assert ended == ["predicting with net.onnx", "predicting with net.fp32.onnx"] * 2
    names = {path.name for path in tmp_path.glob("net.*")}
    assert {"net.fp32.onnx", "net.fp32.onnx.json", "net.split.csv", "net.reference.npz"} < names


def test_a_trained_model_and_one_of_another_format_are_not_replaced(bundle: Path) -> None:
    with pytest.raises(ArtifactError, match=r"model\.keras is another model.*--out"):
        refuse_other_models(Artifact.at(bundle))
    with pytest.raises(ArtifactError, match=r"model\.keras is another model"):
        refuse_other_models(Artifact.at(bundle.with_name("model.fp32.onnx")))
    bundle.unlink()
    with pytest.raises(ArtifactError, match="was converted from another model"):
        refuse_other_models(Artifact.at(bundle.with_name("model.fp32.onnx")))


def test_an_adopted_onnx_file_is_not_hidden_by_a_keras_model_of_its_name(bundle: Path) -> None:
    adopted = Artifact.at(tiny.adopt(bundle))
    refuse_other_models(adopted)
    write_card(adopted.path, adopted.card)
    with pytest.raises(ArtifactError, match=r"model\.fp32\.onnx is another model"):
        refuse_other_models(Artifact.at(bundle))
