from pathlib import Path

import onnx
import pytest

from convert.pipeline import ConversionRejected
from convert.precision.int8 import doubling
from convert.verification.accuracy_gate import GateLimits
from temper.artifact import Artifact
from temper.card import Calibration, Card, read_card, write_card
from temper.storage.digest import sha256_of
from tests import tiny

STRICT = GateLimits(max_drop=0.5, min_agreement=95)


@pytest.fixture
def target(bundle: Path) -> Artifact:
    return Artifact.at(bundle.with_name("model.int8.onnx"))


def calibration_of(card: Card) -> Calibration:
    assert card.calibration is not None
    return card.calibration


def test_a_model_that_quantizes_well_has_no_layer_in_floating_point(bundle: Path, target: Artifact) -> None:
    calibration = calibration_of(tiny.pipeline_of(bundle).build(target, "int8").card)
    assert calibration.excluded == ()
    assert calibration.slowdown is None
    assert set(calibration.mean_abs_diff) == {"max", "percentile-99.999", "percentile"}
    assert calibration.method == min(calibration.mean_abs_diff, key=lambda name: calibration.mean_abs_diff[name])
    assert len(calibration.files) == calibration.images == 48


def make_hard(bundle: Path) -> None:
    """Multiply a channel by 10⁵ and its successor's weights by 10⁻⁵: equal results, ranges that int8 cannot hold."""
    fp32 = bundle.with_name("model.fp32.onnx")
    model = onnx.load(fp32)
    for weights in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weights).copy()
        if weights.name in ("w1", "b1"):
            values[0] *= 1e5
        if weights.name == "w2":
            values[:, 0] *= 1e-5
        weights.CopyFrom(onnx.numpy_helper.from_array(values, weights.name))
    onnx.save(model, fp32)
    write_card(fp32, read_card(fp32).changed(sha256=sha256_of(fp32)))


def test_int8_of_a_hard_model_is_rejected_without_layers_in_floating_point(bundle: Path, target: Artifact) -> None:
    make_hard(bundle)
    with pytest.raises(ConversionRejected):
        tiny.pipeline_of(bundle, STRICT, max_float_layers=0).build(target, "int8")
    assert bundle.with_name("model.int8.onnx.rejected").exists()
    assert not target.path.exists()


def test_int8_of_a_hard_model_passes_with_its_most_sensitive_layer_in_floating_point(
    bundle: Path, target: Artifact, caplog: pytest.LogCaptureFixture
) -> None:
    make_hard(bundle)
    card = tiny.pipeline_of(bundle, STRICT).build(target, "int8").card
    calibration = calibration_of(card)
    assert [each.layer for each in calibration.excluded] == ["block_2"]
    assert calibration.excluded[0].mean_abs_diff > 0
    assert calibration.slowdown is not None
    assert calibration.slowdown > 0
    assert any("rejected: " in message for message in caplog.messages)
    assert "model.int8.onnx: in floating point: block_2" in caplog.messages
    assert card.agreement is not None
    assert card.agreement.agreement >= 0.95
    kinds = {each.name: each.data_type for each in onnx.load(target.path).graph.initializer}
    assert kinds["w2"] == onnx.TensorProto.FLOAT


def test_candidates_end_when_every_layer_is_in_floating_point(
    bundle: Path, target: Artifact, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("convert.pipeline.violations", lambda _, __, precision: ["made up"] * (precision == "int8"))
    with pytest.raises(ConversionRejected):
        tiny.pipeline_of(bundle, calibration_method="max", max_float_layers=100).build(target, "int8")
    counts = [message.count(",") + 1 for message in caplog.messages if "in floating point" in message]
    assert counts == [1, 2, 3]


def test_a_second_run_does_not_calibrate_again(
    bundle: Path, target: Artifact, caplog: pytest.LogCaptureFixture
) -> None:
    tiny.pipeline_of(bundle, calibration_method="max").build(target, "int8")
    caplog.clear()
    tiny.pipeline_of(bundle, calibration_method="max").build(Artifact.at(target.path), "int8")
    assert caplog.messages == ["model.fp32.onnx: up to date", "model.int8.onnx: up to date"]


def test_few_calibration_images_are_a_warning(bundle: Path, target: Artifact, caplog: pytest.LogCaptureFixture) -> None:
    tiny.pipeline_of(bundle, calibration_method="max").build(target, "int8")
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == ["Only 48 calibration images; use 128 or more"]


def test_the_number_of_calibration_images_is_a_setting(bundle: Path, target: Artifact) -> None:
    card = tiny.pipeline_of(bundle, calibration_method="max", calibration_images=20).build(target, "int8").card
    assert calibration_of(card).images == 20
    assert card.provenance.settings["calibration_images"] == 20


@pytest.mark.parametrize(("limit", "counts"), [(0, []), (1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])])
def test_counts_of_layers_double_up_to_the_limit(limit: int, counts: list[int]) -> None:
    assert doubling(limit) == counts


def test_every_step_reports_its_progress(bundle: Path, target: Artifact) -> None:
    make_hard(bundle)
    steps: list[tuple[str, int, int]] = []
    pipeline = tiny.pipeline_of(bundle, STRICT)
    reporting = type(pipeline)(
        dataset=pipeline.dataset,
        limits=pipeline.limits,
        settings=pipeline.settings,
        progress=lambda *step: steps.append(step),
    )
    reporting.build(target, "int8")
    # Verifying takes as long as all the rest.
    assert ("predicting with model.int8.onnx", 16, 16) in steps
    assert ("comparing calibration methods", 3, 3) in steps
    assert ("sensitivity of each layer", 3, 3) in steps
    assert all(done <= total for _, done, total in steps)
