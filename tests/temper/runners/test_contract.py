"""What every format owes its callers, on the same tiny classifier."""

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import pytest

from convert.precision.calibration import calibrate
from convert.precision.fp16_graph import to_fp16
from convert.precision.qdq import to_int8
from temper.card import read_card
from temper.dataset.split import read_split
from temper.errors import MissingRuntime
from temper.formats import format_of, load_runner
from temper.images import load_images
from temper.runners.base import Images, Runner
from temper.storage.atomic import sha256_of

MADE_FROM_ONNX = ("fp32.onnx", "fp16.onnx", "int8.onnx", "fp32.xml", "fp16.xml", "int8.xml", "fp32.plan")
TOLERANCE = {"fp32": 2e-3, "fp16": 2e-2, "int8": 0.1}


@pytest.fixture(scope="module")
def pictures(made_bundle: Path) -> Images:
    examples = read_split(made_bundle, read_card(made_bundle), "train")
    return np.stack(list(load_images([e.path for e in examples], 16)))


@pytest.fixture(scope="module", params=MADE_FROM_ONNX)
def runner(request: pytest.FixtureRequest, made_bundle: Path, pictures: Images, tmp_path_factory: object) -> Runner:
    """Each artifact in turn; a missing runtime or device skips with what its user would read."""
    folder = tmp_path_factory.mktemp("contract")  # type: ignore[attr-defined]
    precision = request.param.split(".")[0]
    fp32, stored = made_bundle.with_name("model.fp32.onnx"), folder / f"model.{precision}.onnx"
    if precision == "fp32":
        stored.write_bytes(fp32.read_bytes())
    elif precision == "fp16":
        to_fp16(fp32, stored)
    else:
        to_int8(fp32, stored, calibrate(fp32, [pictures], "max"))
    artifact = folder / f"model.{request.param}"
    try:
        _convert(stored, artifact)
        card = dataclasses.replace(
            read_card(fp32), precision=precision, sha256=sha256_of(*format_of(artifact).files(artifact))
        )
        return load_runner(artifact, card)
    except MissingRuntime as missing:
        pytest.skip(str(missing))


def _convert(stored: Path, artifact: Path) -> None:
    if artifact.suffix == ".xml":
        from convert.exporters.openvino_ir import to_openvino

        to_openvino(stored, artifact)
    elif artifact.suffix == ".plan":
        from convert.trt.to_tensorrt import to_tensorrt

        to_tensorrt(stored, artifact)


def test_probabilities_are_float32_and_sum_to_one(runner: Runner, pictures: Images) -> None:
    answers = runner.predict(pictures)
    assert answers.dtype == np.float32
    assert answers.shape == (len(pictures), 2)
    assert np.allclose(answers.sum(axis=1), 1, atol=1e-5)


def test_it_agrees_with_fp32(runner: Runner, pictures: Images, made_bundle: Path) -> None:
    fp32 = made_bundle.with_name("model.fp32.onnx")
    expected = load_runner(fp32, read_card(fp32)).predict(pictures)
    assert np.abs(runner.predict(pictures) - expected).max() < TOLERANCE[runner.card.precision]


def test_a_picture_is_answered_alike_alone_and_in_a_batch(runner: Runner, pictures: Images) -> None:
    together = runner.predict(pictures[:5])
    alone = np.concatenate([runner.predict(pictures[i : i + 1]) for i in range(5)])
    assert np.abs(together - alone).max() < 1e-3


def test_an_earlier_answer_is_not_overwritten(runner: Runner, pictures: Images) -> None:
    first = runner.predict(pictures[:1])
    kept = first.copy()
    runner.predict(pictures[-1:])
    assert (first == kept).all()


def test_more_than_the_largest_batch_is_cut(runner: Runner, pictures: Images) -> None:
    card = runner.card
    runner.card = dataclasses.replace(card, batch=(1, 4, 7))
    try:
        assert (
            np.abs(runner.predict(pictures) - np.concatenate([runner.predict(p[None]) for p in pictures])).max() < 1e-3
        )
    finally:
        runner.card = card


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((1, 16, 16, 3), np.float32), np.zeros((16, 16, 3), np.uint8), np.zeros((1, 3, 16, 16), np.uint8),
     np.zeros((0, 16, 16, 3), np.uint8)],
    ids=["floats", "one picture", "planes first", "no picture"],
)  # fmt: skip
def test_other_shapes_and_dtypes_are_refused(runner: Runner, wrong: Images) -> None:
    with pytest.raises(ValueError, match=r"expected uint8 pictures \[n, 16, 16, 3\]"):
        runner.predict(wrong)


def test_it_tells_what_really_runs(runner: Runner) -> None:
    facts = runner.facts()
    assert set(facts) == {"runtime", "device", "executed"}
    assert all(facts.values())


def test_the_rewrite_for_x86_changes_no_value_but_on_residual_branches(
    made_bundle: Path, pictures: Images, tmp_path: Path
) -> None:
    import onnxruntime as ort

    from temper.runners.onnx_x86 import BRANCH_SCALES, rewrite_for_x86

    fp32, int8 = made_bundle.with_name("model.fp32.onnx"), tmp_path / "model.int8.onnx"
    to_int8(fp32, int8, calibrate(fp32, [pictures], "max"))
    model = onnx.load(int8)
    onnx.helper.set_model_props(model, {BRANCH_SCALES: "{}"})
    onnx.save(model, int8)
    as_written = ort.InferenceSession(str(int8)).run(None, {"images": pictures})[0]
    rewritten = ort.InferenceSession(rewrite_for_x86(int8)).run(None, {"images": pictures})[0]
    assert np.abs(as_written - rewritten).max() < 1e-6
