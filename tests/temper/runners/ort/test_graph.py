from onnx import helper

from temper.runners.ort.graph import readers_of


def test_each_tensor_has_its_readers_in_the_order_of_the_graph() -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Add", ["x", "y"], ["z"])]
    readers = readers_of(helper.make_graph(nodes, "graph", [], []))
    assert [node.op_type for node in readers["x"]] == ["Relu", "Add"]
    assert [node.op_type for node in readers["y"]] == ["Add"]
    assert readers["z"] == []
