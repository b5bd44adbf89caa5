import msgspec
import pytest

from temper.card import Adoption, reference_title

FIELDS = {
    "original": "net.onnx", "sha256": "0" * 64, "stored_as": ".onnx", "preprocessing": "torch", "layout": "NCHW",
    "dtype": "float32", "output": "logits", "images": 16, "accuracy": 1.0, "max_difference": 0.0,
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [("original", "../net.onnx"), ("layout", "NWHC"), ("stored_as", ".plan")])
def test_a_value_that_an_adoption_cannot_have_is_refused(name: str, value: str) -> None:
    msgspec.convert(FIELDS, Adoption)
    with pytest.raises(msgspec.ValidationError, match=name):
        msgspec.convert({**FIELDS, name: value}, Adoption)


def test_a_model_that_was_wrapped_as_keras_is_still_run_by_keras() -> None:
    assert reference_title(msgspec.convert(FIELDS, Adoption)) == "the original model"
    assert reference_title(msgspec.convert({**FIELDS, "stored_as": ".keras"}, Adoption)) == "Keras"
