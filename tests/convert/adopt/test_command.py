import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from benchmarks.cases import find_cases, pick_baseline
from convert import run
from convert.adopt.command import target_of, trial_images
from temper.artifact import Artifact
from temper.card import Precision, read_card
from temper.classifier import load
from temper.dataset.split import Example, Subset
from temper.errors import DataError, UsageError, UserError
from temper.images import load_images
from temper.runners.load import open_runner
from temper.runners.self_test import self_test
from tests import tiny
from tests.convert.adopt.nets import fit_head, keras_net, onnx_net

# One model of each family in all of them: the others take the same way after fp32.
ALL: tuple[Precision, ...] = ("fp32", "fp16", "int8")
GENEROUS = ("--min-agreement", 80, "--max-drop", 20, "--max-class-drop", 30, "--calibration-method", "max")


def convert(*words: object) -> int:
    return run.run(run.parse([str(word) for word in words]))


def check_conversions(model: Artifact, image: Path, precisions: tuple[Precision, ...]) -> None:
    """Convert to these precisions; every artifact passes its self-test, and a folder of them classifies."""
    for precision in precisions:
        targets = [model.sibling(precision, suffix) for suffix in (".onnx", ".xml")]
        targets = [each for each in targets if each != model]
        assert convert(model.path, *(each.path for each in targets), "--precision", precision, *GENEROUS) == 0
        for each in targets:
            with open_runner(Artifact.at(each.path)) as runner:
                assert self_test(runner).passed
            assert read_card(each.path).provenance.model_sha256 == model.card.sha256
    with open_runner(model) as runner:
        assert self_test(runner).passed
    baseline = pick_baseline(find_cases([model.path.parent]))
    assert baseline and baseline.artifact == model
    with load(model.path.parent) as classifier:
        assert next(iter(classifier(str(image)))).label == image.parent.name


@pytest.mark.parametrize(
    ("layout", "output", "precisions"),
    [("NCHW", "logits", ALL), ("NHWC", "probability", ("int8",)), ("uint8", "probabilities", ("int8",))],
)
def test_an_onnx_file_is_adopted_and_converted(
    bundle: Path, tmp_path: Path, layout: str, output: str, precisions: tuple[Precision, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    original = tmp_path / "net.onnx"
    if layout == "uint8":
        shutil.copy(bundle.with_name("model.fp32.onnx"), original)
    else:
        onnx.save(onnx_net(bundle, layout, output, batch=1), original)
    images = bundle.parent / "images"
    options = ("--preprocessing", "caffe") if layout == "NHWC" else ()
    assert convert("adopt", original, "--data", images, "--out", tmp_path / "out" / "net", *options) == 0
    adopted = Artifact.at(tmp_path / "out" / "net.fp32.onnx")
    expected = "none" if layout == "uint8" else "caffe"
    assert f"net.onnx with preprocessing {expected}" in capsys.readouterr().out
    check_conversions(adopted, sorted((images / "red").iterdir())[0], precisions)


@pytest.mark.tensorflow
@pytest.mark.parametrize(("kind", "precisions"), [("net.keras", ALL), ("net.h5", ("int8",)), ("net", ("int8",))])
def test_a_keras_model_and_a_saved_model_are_adopted_and_converted(
    bundle: Path, tmp_path: Path, kind: str, precisions: tuple[Precision, ...]
) -> None:
    import keras

    model = keras_net(keras, bundle)
    images = bundle.parent / "images"
    files = sorted(images.rglob("*.png"))
    pixels = np.stack(list(load_images(files, tiny.SIZE)))
    fit_head(model, pixels / np.float32(127.5) - 1, np.array([path.parent.name == "red" for path in files]).astype(int))
    if kind == "net":
        model.export(tmp_path / kind, verbose=False)
    else:
        model.save(tmp_path / kind)
    words = ("adopt", tmp_path / kind, "--data", images, "--labels", "blue,red", "--preprocessing", "tf", "--trust")
    assert convert(*words, "--out", tmp_path / "out" / "net") == 0
    name = "net.fp32.onnx" if kind == "net" else "net.keras"
    check_conversions(Artifact.at(tmp_path / "out" / name), files[-1], precisions)


def test_the_images_that_choose_a_preprocessing_are_not_those_that_prove(tmp_path: Path) -> None:
    subsets: tuple[Subset, ...] = ("train", "val", "test", "test")
    examples = [
        Example(path=path, label=label, subset=subset, sha256="")
        for (path, label), subset in zip(tiny.draw(tmp_path, 4), 2 * subsets, strict=True)
    ]
    trial = trial_images(examples, tiny.LABELS, tiny.SIZE)
    others = np.stack(list(load_images((each.path for each in examples if each.subset == "test"), tiny.SIZE)))
    assert len(trial.pixels) == len(examples) / 2
    assert not (trial.pixels[:, None] == others).all(axis=(2, 3, 4)).any()


def test_labels_in_another_order_are_refused(bundle: Path, tmp_path: Path) -> None:
    onnx.save(onnx_net(bundle), tmp_path / "net.onnx")
    words = ("adopt", tmp_path / "net.onnx", "--data", bundle.parent / "images", "--labels", "red,blue")
    with pytest.raises(DataError, match="the labels are in another order"):
        convert(*words, "--out", tmp_path / "out" / "net")
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--labels", "blue,red,green"), "has 2 labels, not 3"),
        (("--preprocessing", "imagenet"), "--preprocessing 'imagenet' is not known"),
        (("--held-out-fraction", 1), "--held-out-fraction is 1"),
        (("--size", 8), "--size is 8"),
        (("--layout", "NHWC"), "no NHWC with 3 channels"),
        (("--signature", "first"), "--signature is one of a SavedModel"),
        (("--output", "probabilities"), "If they are logits, leave --output out"),
    ],
)
def test_what_contradicts_the_model_is_refused(
    bundle: Path, tmp_path: Path, options: tuple[object, ...], words: str
) -> None:
    onnx.save(onnx_net(bundle), tmp_path / "net.onnx")
    with pytest.raises(UserError, match=words):
        convert("adopt", tmp_path / "net.onnx", "--data", bundle.parent / "images", "--out", tmp_path / "out", *options)


def test_labels_without_images_are_a_warning(bundle: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = onnx_net(bundle)
    for each in model.graph.initializer:
        if each.name.startswith("head"):
            values = onnx.numpy_helper.to_array(each)
            third = values[..., :1] * 0 - (each.name == "head_b") * 9
            each.CopyFrom(onnx.numpy_helper.from_array(np.concatenate([values, third], axis=-1), each.name))
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 3
    onnx.save(model, tmp_path / "net.onnx")
    words = ("adopt", tmp_path / "net.onnx", "--data", bundle.parent / "images", "--labels", "blue,red,green")
    assert convert(*words, "--out", tmp_path / "out" / "net") == 0
    assert "1 of 3 labels are without images" in caplog.text


@pytest.mark.parametrize(
    ("original", "out", "expected"),
    [
        ("a/cats.h5", None, "artifacts/cats.keras"),
        ("a/cats.v2.keras", None, "artifacts/cats.v2.keras"),
        ("a/net.onnx", None, "artifacts/net.fp32.onnx"),
        ("a/net.onnx", "b/mine", "b/mine.fp32.onnx"),
        ("a/net.onnx", "b/mine.fp32.onnx", "b/mine.fp32.onnx"),
        ("a/net.fp32.onnx", None, "artifacts/net.fp32.onnx"),
    ],
)
def test_the_artifact_is_named_for_the_original(original: str, out: str | None, expected: str) -> None:
    assert target_of(Path(original), Path(out) if out else None).path == Path(expected)


@pytest.mark.parametrize(("original", "out"), [("a.onnx", "b.keras"), ("a.h5", "b.onnx"), ("a.onnx", "b.int8")])
def test_a_name_that_claims_another_format_or_precision_is_refused(original: str, out: str) -> None:
    with pytest.raises(UsageError, match=r"ends with .*Name it: --out [ab]\.$"):
        target_of(Path(original), Path(out))


def test_an_original_that_is_named_for_another_precision_needs_a_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"net\.int8\.onnx would become .*Name it: --out artifacts/net\."):
        target_of(Path("net.int8.onnx"), None)
    with pytest.raises(UsageError, match=f"is a folder. Add the name of the artifact: --out {tmp_path}/NAME"):
        target_of(Path("net.onnx"), tmp_path)
