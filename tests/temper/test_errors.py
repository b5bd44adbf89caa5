from temper.errors import MissingRuntime


def test_in_short_an_error_leaves_out_its_remedy() -> None:
    error = MissingRuntime("model.int8.plan runs on a GPU, and there is none. Run the ONNX file:\n    --engine x.onnx")
    assert error.in_short == "model.int8.plan runs on a GPU, and there is none"
    assert MissingRuntime("one line").in_short == "one line"
