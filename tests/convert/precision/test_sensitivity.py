from pathlib import Path

import numpy as np
import onnx
import pytest

from convert.precision.ort_session import OrtModel
from convert.precision.qdq import QUANTIZED, quantize
from convert.precision.sensitivity import segments, sensitivities
from temper.runners.base import Images
from temper.runners.onnx_metadata import INPUT
from tests import tiny

IMAGES: Images = np.random.default_rng(0).integers(0, 256, (20, tiny.SIZE, tiny.SIZE, 3)).astype(np.uint8)


@pytest.fixture
def fp32(made_bundle: Path) -> Path:
    return made_bundle.with_name("model.fp32.onnx")


def test_the_sensitivity_of_a_layer_is_that_of_a_model_in_which_it_alone_is_int8(fp32: Path) -> None:
    ranges, expected = tiny.max_ranges(fp32, IMAGES), OrtModel(fp32).predict(IMAGES)
    steps: list[tuple[str, int, int]] = []
    ranked = sensitivities(
        onnx.load(fp32), quantize(onnx.load(fp32), ranges), IMAGES, expected, lambda *step: steps.append(step)
    )
    nodes = {node.name: node.op_type for node in onnx.load(fp32).graph.node}
    assert {each.layer for each in ranked} == {name for name, kind in nodes.items() if kind == "Conv"}
    for each in ranked:
        others = frozenset(name for name, kind in nodes.items() if kind in QUANTIZED) - {each.layer}
        alone = OrtModel(quantize(onnx.load(fp32), ranges, others).SerializeToString()).predict(IMAGES)
        assert each.mean_abs_diff == pytest.approx(np.abs(alone - expected).mean(), rel=1e-3)
    assert ranked == sorted(ranked, key=lambda each: -each.mean_abs_diff)
    assert steps == [("sensitivity of each layer", number, len(ranked)) for number in range(1, len(ranked) + 1)]


def test_a_layer_begins_at_the_last_tensor_that_alone_leads_to_it(fp32: Path) -> None:
    graph = onnx.load(fp32).graph
    groups = list(segments(graph, ["stem", "block_1", "block_2"]))
    starts = {name: start for start, names in groups for name in names}
    assert list(starts) == ["stem", "block_1", "block_2"]
    producers = {name: node.name for node in graph.node for name in node.output}
    # The block's input goes around both of its convolutions.
    assert starts["block_1"] == starts["block_2"]
    assert producers[starts["block_1"]] == "pool"
    assert starts["stem"] != INPUT


def test_layers_without_such_a_tensor_begin_at_the_images(fp32: Path) -> None:
    model = onnx.load(fp32)
    stem = next(node for node in model.graph.node if node.name == "stem")
    probabilities = model.graph.node[-1]
    # The images' first layer is read again at the end.
    model.graph.node.append(onnx.helper.make_node("Identity", [stem.input[0]], ["again"], "again"))
    assert probabilities.output[0] == model.graph.output[0].name
    starts = {start for start, _ in segments(model.graph, ["block_1", "block_2"])}
    assert starts == {stem.input[0]}


def test_a_node_whose_result_nothing_reads_is_no_obstacle(fp32: Path) -> None:
    model, expected, results = onnx.load(fp32), OrtModel(fp32).predict(IMAGES), []
    stem = next(node for node in model.graph.node if node.name == "stem")
    for extra in ([], [onnx.helper.make_node("Relu", [stem.output[0]], ["unread"], "unread")]):
        model.graph.node.extend(extra)
        original = onnx.ModelProto.FromString(model.SerializeToString())
        quantized = quantize(original, tiny.max_ranges(fp32, IMAGES))
        results.append(sensitivities(model, quantized, IMAGES, expected, lambda *step: None))
    assert [each.layer for each in results[1]] == [each.layer for each in results[0]]
