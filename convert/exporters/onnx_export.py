"""Keras to fp32 ONNX, the graph that every other format is converted from."""

import contextlib
import gc
import importlib
import logging
import re
import tempfile
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import onnx
import onnx.version_converter
import onnxruntime as ort
from onnxruntime.quantization.onnx_model import ONNXModel

from convert.exporters.keras_model import export
from convert.exporters.padding import pad_in_pooling
from convert.exporters.strides import stride_early
from convert.job import CardFields, Job
from temper.cli.progress import running
from temper.errors import ResourceError
from temper.runners.onnx_metadata import INPUT, OUTPUT
from temper.runners.onnxruntime import open_session
from temper.system.child_process import ChildCrashed, run_in_child
from temper.system.quiet import quiet_stderr

# A model of this size takes gigabytes in native code, which ends the process where there are none.
CHILD_BYTES = 2**25
FREE_GB = 4
# What Python raises where there is no memory for the stack of a thread.
NO_THREAD = "can't start new thread"
# A copy takes about as long.
COLLECTION_SECONDS = 0.3
# tf2onnx writes opset 15; Q/DQ with half-precision scales, which TensorRT needs, came with 19.
EXPORTED_OPSET, OPSET = 15, 19
# Keras 3 appends the number of the call to a layer's name when it traces the graph. A model may be a layer of another.
LAYER = re.compile(r"[^/]+/([^/]+/)*?(?P<layer>[^/]+?)(_\d+)?/[^/]+(/[^/]+)?$")


def convert(job: Job) -> Iterator[CardFields]:
    """Export to ONNX: uint8 `images` [n, h, w, 3] in, float32 `probabilities` [n, classes] out, any n.

    BatchNorm and constants are folded; convolutions and matrix products have the names of their Keras layers.
    Raises ArtifactError when Keras cannot open the model, ResourceError when memory runs out.
    """
    with running(job.progress, f"exporting {job.source.name} to ONNX"):
        with tempfile.TemporaryDirectory() as scratch:
            raw = Path(scratch) / "raw.onnx"
            _export(job.source.path, raw)
            _name_layers(raw)
            fold(raw, job.target)
        finish(job.target)
    yield CardFields(packages=("tf2onnx", "onnx", "onnxruntime"))


def _export(source: Path, target: Path) -> None:
    if source.stat().st_size < CHILD_BYTES:
        _export_here(source, target)
        return
    try:
        run_in_child(_export_here, source, target)
    except (ChildCrashed, MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and NO_THREAD not in str(error):
            raise
        raise ResourceError(
            f"the export of {source.name} to ONNX ended with {str(error) or 'MemoryError'}, most likely because "
            "memory ran out",
            fix=f"Close other programs, or convert on a machine with {FREE_GB} GB of free memory.",
        ) from None


def _export_here(source: Path, target: Path) -> None:
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), _collected_garbage():
        warnings.simplefilter("ignore", FutureWarning)
        export(source, target, "onnx")


@contextlib.contextmanager
def _collected_garbage() -> Iterator[None]:
    """Collect garbage in cycles soon: tf2onnx copies the graph with its weights some fifty times.

    Python itself collects when there are many new objects, however large they are.
    """
    # What the libraries made when they were imported is no garbage, and looking at all of it takes long.
    # It imports TensorFlow, unless that was imported before.
    with quiet_stderr():
        importlib.import_module("tf2onnx.convert")
    gc.freeze()
    ended = threading.Event()

    def collect() -> None:
        while not ended.wait(COLLECTION_SECONDS):
            gc.collect()

    thread = threading.Thread(target=collect, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        gc.unfreeze()


def _name_layers(path: Path) -> None:
    model = onnx.load(path)
    for node in model.graph.node:
        if node.op_type in ("Conv", "MatMul", "Gemm"):
            # The weights of a depthwise convolution are named after a reshaping, the convolution itself is not.
            match = LAYER.match(node.input[1]) or LAYER.match(node.name)
            node.name = match["layer"] if match else node.name
    _name_nodes(model.graph)
    onnx.save(model, path)


def fold(source: Path, target: Path) -> None:
    """Fold constants and BatchNorm of an ONNX file, and write the result."""
    # The basic level uses standard operators only: Conv + Mul + Add become one Conv, padding moves into it.
    open_session(str(source), ort.GraphOptimizationLevel.ORT_ENABLE_BASIC, target=str(target))


def finish(path: Path, opset: int = EXPORTED_OPSET) -> None:
    """Name both ends of the graph and all nodes, bring it from an opset to OPSET or later, remove what is not used."""
    model = onnx.load(path)
    pad_in_pooling(model.graph)
    stride_early(model)
    _rename_ends(model.graph)
    _name_nodes(model.graph)
    ONNXModel(model).clean_initializers()
    del model.graph.value_info[:]
    del model.opset_import[:]
    model.opset_import.extend([onnx.helper.make_opsetid("", opset)])
    if opset < OPSET:
        model = onnx.version_converter.convert_version(model, OPSET)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def _name_nodes(graph: onnx.GraphProto) -> None:
    """Give each node a name of its own: conversions exclude layers by name."""
    taken: set[str] = set()
    for index, node in enumerate(graph.node):
        if not node.name or node.name in taken:
            node.name = f"{node.name or node.op_type}_{index}"
        taken.add(node.name)


def _rename_ends(graph: onnx.GraphProto) -> None:
    names = {graph.input[0].name: INPUT, graph.output[0].name: OUTPUT}
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for end in (graph.input[0], graph.output[0]):
        end.name = names[end.name]
        end.type.tensor_type.shape.dim[0].dim_param = "batch"
