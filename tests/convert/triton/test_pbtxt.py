from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from convert.triton.pbtxt import Word, render


def test_every_character_of_a_text_is_read_back() -> None:
    name = "".join(map(chr, range(1, 128))) + "é貓"
    assert text_format.Parse(render({"name": name}), ModelConfig()).name == name


def test_messages_lists_enumerations_and_truth_values_are_read_back() -> None:
    fields = {
        "input": [{"name": "a", "dims": [1, 2]}, {"name": "b", "data_type": Word("TYPE_UINT8")}],
        "dynamic_batching": {"preserve_ordering": True},
    }
    config = text_format.Parse(render(fields), ModelConfig())
    assert [list(each.dims) for each in config.input] == [[1, 2], []]
    assert config.input[1].data_type == 2 and config.dynamic_batching.preserve_ordering
