import json
import random

from experiments.serving.hostile_requests import inference, kinds


def test_every_kind_makes_bytes_and_has_a_name_of_its_own() -> None:
    made = kinds("model", 4, 1)
    assert len({each.name for each in made}) == len(made) > 20
    for each in made:
        assert b"".join(each.pieces(random.Random(0)))


def test_a_field_of_the_input_is_replaced() -> None:
    (tensor,) = json.loads(inference(4, datatype="FP32"))["inputs"]
    assert (tensor["datatype"], tensor["shape"]) == ("FP32", [1, 4, 4, 3])
