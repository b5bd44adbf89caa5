import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from temper.runners.onnx_metadata import INPUT, OUTPUT
from temper.runners.onnxruntime import open_session
from temper.runners.ort.pixels import SCALE, ZERO, use_pixels

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 6, 6, 3), np.uint8)
# Normalizations: operators with their constants.
LITE = (("Mul", 1 / 128), ("Add", -127 / 128))
Steps = tuple[tuple[str, float | list[float]], ...]


def network(steps: Steps, transposed: bool = True, rounded: bool = True) -> onnx.ModelProto:
    """Pixels that are normalized, rounded to int8 in [-1, 1], and averaged."""
    nodes = [helper.make_node("Cast", [INPUT], ["t0"], to=TensorProto.FLOAT)]
    constants = []
    for number, (operator, value) in enumerate(steps):
        constants.append(numpy_helper.from_array(np.array(value, np.float32), f"c{number}"))
        nodes.append(helper.make_node(operator, [f"t{number}", f"c{number}"], [f"t{number + 1}"]))
    tensor = f"t{len(steps)}"
    if transposed:
        nodes.append(helper.make_node("Transpose", [tensor], ["transposed"], perm=[0, 3, 1, 2]))
        tensor = "transposed"
    if rounded:
        constants.append(numpy_helper.from_array(np.array(1 / 127, np.float32), "scale"))
        constants.append(numpy_helper.from_array(np.array(0, np.int8), "zero"))
        nodes.append(helper.make_node("QuantizeLinear", [tensor, "scale", "zero"], ["rounded"]))
        nodes.append(helper.make_node("DequantizeLinear", ["rounded", "scale", "zero"], ["values"]))
        tensor = "values"
    nodes.append(helper.make_node("ReduceMean", [tensor], [OUTPUT], axes=[1, 2, 3], keepdims=0))
    value = helper.make_tensor_value_info
    ends = [value(INPUT, TensorProto.UINT8, ["n", 6, 6, 3])], [value(OUTPUT, TensorProto.FLOAT, ["n"])]
    graph = helper.make_graph(nodes, "pixels", *ends, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    # As the quantizer's files, it records the types of tensors.
    return onnx.shape_inference.infer_shapes(model)


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def run(model: onnx.ModelProto) -> NDArray[np.float32]:
    return np.asarray(open_session(model.SerializeToString()).run(None, {INPUT: PIXELS})[0])


@pytest.mark.parametrize(
    ("steps", "scale", "zero"),
    [
        (LITE, 1 / 128, 127),
        ((("Sub", 127.0), ("Div", 128.0)), 1 / 128, 127),
        ((("Div", 255.0),), 1 / 255, 0),
        ((("Mul", [1 / 128] * 3), ("Add", [-127 / 128] * 3)), 1 / 128, 127),
        ((), 1.0, 0),
    ],
    ids=str,
)
@pytest.mark.parametrize("transposed", [True, False])
def test_pixels_are_dequantized_to_what_they_stand_for(steps: Steps, scale: float, zero: int, transposed: bool) -> None:
    model = network(steps, transposed)
    exact = run(network(steps, transposed, rounded=False))
    use_pixels(model.graph)
    onnx.checker.check_model(model, full_check=True)
    assert operators(model) == [*(["Transpose"] if transposed else []), "DequantizeLinear", "ReduceMean"]
    constants = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    assert constants[SCALE] == pytest.approx(scale)
    assert constants[ZERO] == zero
    # Rounding to int8 would be off by more.
    np.testing.assert_allclose(run(model), exact, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "steps",
    [
        (("Div", 127.5), ("Sub", 1.0)),
        (("Sub", [123.68, 116.779, 103.939]),),
        (("Sub", -10.0),),
        (("Sub", 300.0),),
        (("Mul", -1.0),),
        (("Mul", 0.0),),
        (("Div", 0.0),),
    ],
    ids=str,
)
def test_a_normalization_that_uint8_cannot_stand_for_stays(steps: Steps) -> None:
    model = network(steps)
    before = operators(model)
    use_pixels(model.graph)
    assert operators(model) == before


def test_what_another_node_reads_too_stays() -> None:
    model = network(LITE)
    model.graph.node.append(helper.make_node("Neg", ["t2"], ["negative"]))
    before = operators(model)
    use_pixels(model.graph)
    assert operators(model) == before


def test_pixels_that_are_not_rounded_stay() -> None:
    model = network(LITE, rounded=False)
    before = operators(model)
    use_pixels(model.graph)
    assert operators(model) == before
