import gc
import os
import signal
import time
import weakref
from pathlib import Path

import numpy as np
import onnx
import pytest

from convert.exporters import onnx_export
from convert.exporters.onnx_export import LAYER, _rename_ends
from temper.errors import ResourceError
from tests.residual import padded_pool, run


def test_both_ends_get_the_names_of_this_project_and_any_batch_size() -> None:
    model = padded_pool("Relu")
    _rename_ends(model.graph)
    onnx.checker.check_model(model, full_check=True)
    ends = (model.graph.input[0], model.graph.output[0])
    assert [end.name for end in ends] == ["images", "probabilities"]
    assert [end.type.tensor_type.shape.dim[0].dim_param for end in ends] == ["batch", "batch"]


@pytest.mark.parametrize(
    ("weights", "layer"),
    [
        ("functional_1/conv2_block1_1_conv_1/convolution/ReadVariableOp:0", "conv2_block1_1_conv"),
        ("functional/predictions_2/Cast/ReadVariableOp:0", "predictions"),
        ("model/stem/convolution/ReadVariableOp:0", "stem"),
        ("functional_1/stem_1/convolution/merged_input:0", "stem"),
        ("functional_1/depthwise_1/Squeeze:0", "depthwise"),
        ("adopted_1/sequential_1/base_1/conv2d_1/convolution/ReadVariableOp:0", "conv2d"),
    ],
)
def test_a_node_is_named_for_its_keras_layer(weights: str, layer: str) -> None:
    match = LAYER.match(weights)
    assert match is not None
    assert match["layer"] == layer


@pytest.mark.tensorflow
def test_a_keras_model_is_exported_with_folded_batch_norm_and_equal_results(tmp_path: Path) -> None:
    import keras

    from convert.exporters.onnx_export import convert
    from convert.job import Job
    from convert.settings import ConversionSettings
    from tests import tiny

    inputs = keras.Input((16, 16, 3), dtype="uint8", name="images")
    values = keras.layers.Rescaling(1 / 255)(inputs)
    values = keras.layers.Conv2D(4, 3, name="stem")(values)
    values = keras.layers.BatchNormalization()(values)
    values = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(values))
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax", name="predictions")(values))
    model.save(tmp_path / "model.keras")
    source = tiny.with_card(tmp_path / "model.keras")
    steps: list[tuple[str, int, int]] = []
    job = Job(
        source=source,
        target=tmp_path / "model.onnx",
        precision="fp32",
        settings=ConversionSettings(),
        dataset=tiny.pipeline_of(source.path).dataset,
        progress=lambda *step: steps.append(step),
    )
    (fields,) = convert(job)
    assert steps == [("exporting model.keras to ONNX", 0, 0), ("exporting model.keras to ONNX", 1, 1)]
    assert "tf2onnx" in fields.packages
    exported = onnx.load(job.target)
    assert "stem" in {node.name for node in exported.graph.node}
    assert "BatchNormalization" not in {node.op_type for node in exported.graph.node}
    images = np.random.default_rng(0).integers(0, 255, (5, 16, 16, 3), dtype=np.uint8)
    np.testing.assert_allclose(run(exported, images), model.predict(images, verbose=0), atol=1e-5)


def _die(source: Path, target: Path) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _write_process(source: Path, target: Path) -> None:
    target.write_text(str(os.getpid()))


@pytest.mark.programs
def test_a_large_model_is_exported_in_a_process_that_may_die_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "model.keras", tmp_path / "model.onnx"
    source.write_bytes(bytes(100))
    monkeypatch.setattr(onnx_export, "_export_here", _write_process)
    onnx_export._export(source, target)
    assert target.read_text() == str(os.getpid())
    monkeypatch.setattr(onnx_export, "CHILD_BYTES", 100)
    onnx_export._export(source, target)
    assert target.read_text() != str(os.getpid())
    monkeypatch.setattr(onnx_export, "_export_here", _die)
    with pytest.raises(ResourceError, match=r"export of model\.keras to ONNX ended with SIGSEGV.*memory"):
        onnx_export._export(source, target)


@pytest.mark.parametrize(
    ("error", "expected"),
    [(MemoryError(), ResourceError), (RuntimeError("can't start new thread"), ResourceError),
     (RuntimeError("a bug"), RuntimeError)],
)  # fmt: skip
def test_memory_that_is_not_there_is_a_sentence_and_a_bug_stays_one(
    error: Exception, expected: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise error

    (tmp_path / "model.keras").write_bytes(bytes(100))
    monkeypatch.setattr(onnx_export, "CHILD_BYTES", 0)
    monkeypatch.setattr(onnx_export, "run_in_child", fail)
    with pytest.raises(expected):
        onnx_export._export(tmp_path / "model.keras", tmp_path / "model.onnx")


class Graph:
    """Part of a cycle, as tf2onnx's graphs are."""

    def __init__(self) -> None:
        self.itself = self


def test_garbage_in_cycles_is_collected_while_it_appears(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_export, "COLLECTION_SECONDS", 0.001)
    gc.disable()
    try:
        with onnx_export._collected_garbage():
            copy = weakref.ref(Graph())
            deadline = time.monotonic() + 9
            while copy() and time.monotonic() < deadline:
                time.sleep(0.001)
            assert not copy()
        copy = weakref.ref(Graph())
        time.sleep(0.05)
        assert copy()
    finally:
        gc.enable()
