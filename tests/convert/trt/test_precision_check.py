import json
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from convert.precision.fp16_graph import fp16_graph
from convert.trt.precision_check import (
    check_executed_precision,
    executed_types,
    layers_of_json,
    layers_of_log,
    requested_types,
)
from temper.errors import UserError

# The layout of https://docs.nvidia.com/deeplearning/tensorrt/latest/inference-library/engine-tools.html, and of layers
# that TensorRT 10 and later compile through Myelin ("Datatype" or "Format/Datatype", ONNX names in "Metadata").
VECTORIZED = "Thirty-two wide channel vectorized row major Int8 format."
INSPECTED: dict[str, Any] = {
    "Layers": [
        {
            "Name": "Reformatting CopyNode for Input Tensor 0 to stem + relu",
            "LayerType": "Reformat",
            "Inputs": [{"Name": "images", "Dimensions": [8, 3, 16, 16], "Format/Datatype": "Row major linear FP32"}],
            "Metadata": "",
        },
        {
            "Name": "stem + relu",
            "LayerType": "CaskConvolution",
            "Inputs": [{"Name": "in", "Dimensions": [8, 3, 16, 16], "Format/Datatype": VECTORIZED}],
            "ParameterType": "Convolution",
            "Weights": {"Type": "Int8", "Count": 216},
            "TacticName": "sm80_xmma_fprop_implicit_gemm_interleaved_i8i8_i8i32_f32_nchw_vect_c_32kcrs_vect_c_32",
        },
        {
            "Name": "__myl_MoveCast",
            "LayerType": "kgen",
            "Inputs": [{"Name": "weights", "Format/Datatype": "Float"}],
            "Metadata": "[ONNX Layer: block]",
        },
        {
            "Name": "block_myl0_4",
            "LayerType": "correlation",
            "Inputs": [{"Name": "x", "Datatype": "Half", "Format": "(NHWC) Channel major format"}],
            "TacticName": "__myelin_CASK_STUB",
            "Metadata": "[ONNX Layer: block]\u001f[ONNX Layer: block_add]",
        },
        {
            "Name": "head",
            "LayerType": "gemm",
            "Inputs": [{"Name": "y", "Format/Datatype": "BFloat16"}],
            "TacticName": "",
            "Metadata": "[ONNX Layer: head]",
        },
    ],
    "Bindings": ["images", "probabilities"],
}
DYNAMIC = {
    "Name": "stem",
    "LayerType": "CaskConvolution",
    "Inputs": [{"Name": "x", "Dimensions": [-1, 3, 16, 16], "Format/Datatype": "N/A due to dynamic shapes"}],
    "Weights": {"Type": "Half", "Count": 216},
    "TacticName": "",
}
LOGGED = """Layers:
Name: __mye861_0_myl0_0, LayerType: shape_call, Inputs: [], Constants: [], Outputs: [], \
TacticName: , StreamId: 0, Metadata:
Name: stem_myl0_2, LayerType: correlation, Inputs: [ { Name: x, Dimensions: [-1,4,16,16], Strides: [1024,1,64,4], \
StrideOrder: [3,0,2,1], Datatype: Int8, Format: (NHWC) Channel major format }], Constants: [ { Name: c, \
Dimensions: [8,4,3,3], Datatype: Float, Format: (Linear) Row major linear format }], Outputs: [ { Name: y, \
Dimensions: [-1,8,14,14], Datatype: Float, Format: (NHWC) }], TacticName: __myelin_CASK_STUB, StreamId: 0, \
Metadata: [ONNX Layer: stem][ONNX Layer: stem_relu]
"""


def test_the_inspectors_json_has_the_type_of_each_product() -> None:
    layers = layers_of_json(json.dumps(INSPECTED))
    types = executed_types(layers, ["stem", "block", "head", "absent"])
    assert types == {"stem": "int8", "block": "fp16", "head": "bf16", "absent": "unknown"}


def test_where_dynamic_shapes_hide_the_format_the_type_of_the_weights_counts() -> None:
    assert executed_types([DYNAMIC], ["stem"]) == {"stem": "fp16"}


def test_the_kernels_name_has_priority_over_the_tensors_format() -> None:
    layer = {**DYNAMIC, "TacticName": "sm90_xmma_fprop_implicit_gemm_tf32f32_tf32f32_f32_nhwckrsc_nhwc"}
    assert executed_types([layer], ["stem"]) == {"stem": "fp32"}


def test_the_builders_log_is_read_like_the_inspectors_json() -> None:
    layers = layers_of_log(LOGGED)
    assert [layer["LayerType"] for layer in layers] == ["shape_call", "correlation"]
    assert executed_types(layers, ["stem"]) == {"stem": "int8"}


def test_an_engine_that_reports_only_names_is_refused() -> None:
    with pytest.raises(UserError, match="profilingVerbosity=detailed"):
        layers_of_json(json.dumps({"Layers": ["stem + relu", "head"], "Bindings": []}))


def test_a_graph_requests_the_type_of_its_weights(made_bundle: Path) -> None:
    model = onnx.load(made_bundle.with_name("model.fp32.onnx"))
    assert set(requested_types(model).values()) == {"fp32"}
    assert set(requested_types(fp16_graph(model)).values()) == {"fp16"}


def test_a_product_of_dequantized_tensors_is_requested_in_int8() -> None:
    nodes = [
        helper.make_node("DequantizeLinear", ["qx", "s"], ["x"], "dx"),
        helper.make_node("DequantizeLinear", ["qw", "s"], ["w"], "dw"),
        helper.make_node("MatMul", ["x", "w"], ["y"], "both"),
        helper.make_node("MatMul", ["y", "w"], ["z"], "weights_only"),
    ]
    value = helper.make_tensor_value_info
    inputs = [value("qx", TensorProto.INT8, [2, 2]), value("qw", TensorProto.INT8, [2, 2])]
    graph = helper.make_graph(nodes, "g", inputs, [value("z", TensorProto.FLOAT, [2, 2])])
    assert requested_types(helper.make_model(graph)) == {"both": "int8", "weights_only": "fp32"}


def test_ninety_percent_suffice_and_less_is_an_error_that_names_the_layers() -> None:
    requested = {f"conv{i}": "int8" for i in range(20)} | {"head": "fp32"}
    mostly = dict.fromkeys(requested, "int8") | {"conv0": "fp32", "conv1": "fp16", "head": "fp32"}
    assert check_executed_precision(requested, mostly, "model.plan") == "18 int8, 2 fp32, 1 fp16"
    with pytest.raises(UserError, match=r"3 of the 20 .* in int8 .*conv0, conv1, conv2"):
        check_executed_precision(requested, mostly | {"conv2": "fp32"}, "model.plan")


def test_an_unknown_type_does_not_count_as_the_requested_one() -> None:
    requested = {f"conv{i}": "int8" for i in range(10)}
    one = dict.fromkeys(requested, "int8") | {"conv0": "unknown"}
    assert check_executed_precision(requested, one, "model.plan") == "9 int8, 1 unknown"
    with pytest.raises(UserError, match=r"10 of the 10 .* their type is not known \(in all: 10 unknown\)"):
        check_executed_precision(requested, dict.fromkeys(requested, "unknown"), "model.plan")


@pytest.mark.parametrize("field", ["Datatype", "DataType", "Format/Datatype"])
def test_every_spelling_of_the_data_type_is_read(field: str) -> None:
    layer = {"Name": "conv", "LayerType": "Convolution", "Inputs": [{field: "Int8"}]}
    assert executed_types([layer], ["conv"]) == {"conv": "int8"}
