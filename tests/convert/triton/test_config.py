import dataclasses

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from convert.triton.config import decode_config, ensemble_config, network_config
from convert.triton.network import Network
from convert.triton.pbtxt import render
from tests import tiny


@pytest.mark.parametrize("make", [network_config, decode_config, ensemble_config])
def test_triton_s_own_parser_reads_every_field(network: Network, make: object) -> None:
    text = render(make(network))  # type: ignore[operator]
    assert text_format.Parse(text, ModelConfig()).max_batch_size == 32


def test_the_network_has_the_shapes_labels_and_sizes_of_the_card(network: Network) -> None:
    config = text_format.Parse(render(network_config(network)), ModelConfig())
    assert list(config.input[0].dims) == [tiny.SIZE, tiny.SIZE, 3]
    assert list(config.output[0].dims) == [2] and config.output[0].label_filename == "labels.txt"
    assert list(config.dynamic_batching.preferred_batch_size) == [8]
    assert [each.batch_size for each in config.model_warmup] == [1, 8, 32]
    assert config.parameters["artifact_sha256"].string_value == network.card.sha256


def test_a_plan_runs_on_the_gpu_with_all_its_profiles(network: Network) -> None:
    plan = dataclasses.replace(network, platform="tensorrt_plan", profiles=2)
    config = text_format.Parse(render(network_config(plan)), ModelConfig())
    (group,) = config.instance_group
    assert (group.kind, list(group.profile), config.default_model_filename) == (1, ["0", "1"], "model.plan")
