"""The Python API as a program uses it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import temper
from temper.artifact import Artifact
from temper.card import write_card
from temper.dataset.split import read_split
from temper.errors import ArtifactError, DataError
from temper.infer.classify import BATCHES_AHEAD
from temper.runners.base import CPU_BATCH
from temper.trust.policy import origin_of
from tests import tiny


@pytest.fixture
def classifier(bundle: Path) -> Iterator[temper.Classifier]:
    with temper.load(bundle.with_name("model.fp32.onnx")) as classifier:
        yield classifier


@pytest.fixture
def image(bundle: Path) -> Path:
    """A red image."""
    return next(each.path for each in read_split(Artifact.at(bundle), "test") if each.label == "red")


def test_what_is_loaded_describes_itself(classifier: temper.Classifier) -> None:
    assert classifier.labels == classifier.card.labels == tiny.LABELS
    assert classifier.runtime.runtime.startswith("ONNX Runtime ")
    assert (classifier.runtime.device, classifier.runtime.executed) == ("CPU", "fp32")


def test_a_path_as_text_or_path(classifier: temper.Classifier, image: Path) -> None:
    for source in (image, str(image)):
        (result,) = classifier(source)
        assert (result.source, result.label) == (str(image), "red")
        assert 0.5 < result.probability <= 1


def test_a_folder_and_a_pattern_give_all_their_images(classifier: temper.Classifier, image: Path) -> None:
    assert len(list(classifier(image.parent))) == 40
    assert len(list(classifier(str(image.parents[1] / "*" / "*0.png")))) == 8
    assert len(list(classifier([image.parent, str(image)]))) == 41


def test_an_image_and_an_array_give_the_result_of_their_file(classifier: temper.Classifier, image: Path) -> None:
    with Image.open(image) as opened:
        (by_file,), (by_image,), (by_array,) = (classifier(each) for each in (image, opened, np.asarray(opened)))
    assert by_file.predictions == by_image.predictions == by_array.predictions


def test_top_k_labels_have_probabilities_that_add_up_to_one(classifier: temper.Classifier, image: Path) -> None:
    (result,) = classifier(image, top_k=2)
    assert [each.label for each in result.predictions] == ["red", "blue"]
    assert sum(each.probability for each in result.predictions) == pytest.approx(1, abs=1e-5)
    assert result.as_dict()["predictions"][0] == {"label": "red", "probability": result.probability}


def test_top_k_below_one_is_a_value_error_at_once(classifier: temper.Classifier, image: Path) -> None:
    with pytest.raises(ValueError, match="top_k is 0"):
        classifier(image, top_k=0)


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf")])
def test_a_number_of_frames_that_is_none_is_a_value_error_at_once(classifier: temper.Classifier, fps: float) -> None:
    with pytest.raises(ValueError, match=f"fps is {fps}; expected a number above 0"):
        classifier("video.mp4", fps=fps)


def test_a_generator_is_read_a_few_images_ahead(
    classifier: temper.Classifier, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    taken = 0

    def stream() -> Iterator[Image.Image]:
        nonlocal taken
        while True:
            taken += 1
            with Image.open(image) as opened:
                yield opened.copy()

    results = classifier(stream())
    assert taken == 0
    for received in range(1, 100):
        assert next(results).label == "red"
        assert taken <= received + CPU_BATCH + BATCHES_AHEAD * CPU_BATCH


def test_a_file_that_cannot_be_read_does_not_stop_the_others(classifier: temper.Classifier, image: Path) -> None:
    missing, good = classifier([image.with_name("none.png"), image])
    assert "does not exist" in missing.error
    assert missing.as_dict().keys() == {"file", "error"}
    assert good.label == "red"


def test_results_below_the_threshold_of_the_card_are_unknown(bundle: Path, image: Path) -> None:
    path = bundle.with_name("model.fp32.onnx")
    card = Artifact.at(path).card
    for threshold, unknown in ((None, None), (0.0, False), (1.0, True)):
        write_card(path, card.changed(confidence_threshold=threshold))
        with temper.load(path) as classifier:
            assert next(iter(classifier(image))).unknown is unknown


def test_a_result_is_saved_with_its_label(classifier: temper.Classifier, image: Path, tmp_path: Path) -> None:
    (result,) = classifier(image)
    result.save(tmp_path / "labeled.png")
    with Image.open(tmp_path / "labeled.png") as labeled, Image.open(image) as original:
        assert labeled.height > original.height


def test_a_source_that_holds_no_image_is_an_error(classifier: temper.Classifier, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for source in (tmp_path / "empty", str(tmp_path / "*.png")):
        with pytest.raises(DataError):
            next(classifier(source))
    with pytest.raises(ValueError, match="expected uint8 RGB"):
        next(classifier(np.zeros((4, 4, 3), np.float32)))
    with pytest.raises(TypeError, match="expected a path"):
        next(classifier(None))  # type: ignore[arg-type]


def test_an_artifact_is_checked_before_it_is_loaded(bundle: Path, tmp_path: Path) -> None:
    artifact = bundle.with_name("model.fp32.onnx")
    artifact.write_bytes(artifact.read_bytes()[:-100])
    with pytest.raises(temper.UserError, match="SHA-256 differs"):
        temper.load(artifact)
    with pytest.raises(ArtifactError, match="does not exist"):
        temper.load(str(tmp_path / "none.onnx"))
    with pytest.raises(ArtifactError, match="does not exist"):
        temper.load("model.engine")


def test_an_unknown_mode_is_a_value_error_that_lists_the_known_ones(bundle: Path) -> None:
    with pytest.raises(ValueError, match=r"Keras has no mode 'fast'; expected one of tf\.function, predict, "):
        temper.load(bundle, mode="fast")
    with pytest.raises(ValueError, match="ONNX Runtime has no mode 'fast'; it has no modes"):
        temper.load(bundle.with_name("model.fp32.onnx"), mode="fast")


def test_leaving_the_context_closes_the_runner(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    with temper.load(bundle.with_name("model.fp32.onnx")) as classifier:
        monkeypatch.setattr(classifier._runner, "close", lambda: closed.append(True))
    assert closed == [True]


def test_an_artifact_is_trusted_by_hand_or_must_be_signed(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = bundle.with_name("model.fp32.onnx")
    with temper.load(path, trust=True) as classifier:
        assert str(origin_of(classifier._runner.artifact)) == "trusted by hand"
    with pytest.raises(ArtifactError, match="is not signed, and a signature is required"):
        temper.load(path, require_signature=True)
    for wrong in ({"path": path, "require_signature": True}, {"path": bundle.parent}):
        with pytest.raises(ValueError, match="trust is for one artifact"):
            temper.load(**wrong, trust=True)


def test_a_limit_of_pixels_and_a_full_decode_can_be_asked_for(bundle: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.jpg", quality=90)
    with temper.load(bundle.with_name("model.fp32.onnx"), max_pixels=120_000) as classifier:
        (small,), (full,) = (classifier(tmp_path / "a.jpg", full_decode=each) for each in (False, True))
        assert not small.error and small.probability != full.probability
    with temper.load(bundle.with_name("model.fp32.onnx"), max_pixels=119_999) as classifier:
        assert "400 x 300 pixels; the limit is 119,999" in next(classifier(tmp_path / "a.jpg")).error
