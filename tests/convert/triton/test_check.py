import copy
from collections.abc import Callable
from typing import Any

import pytest

from convert.triton.check import InvalidConfig, check_ensemble, check_network
from convert.triton.config import decode_config, ensemble_config, network_config
from convert.triton.network import Network

Change = Callable[[dict[str, Any]], object]


def test_the_configurations_that_are_written_are_valid(network: Network) -> None:
    check_network(network_config(network), network)
    check_ensemble(ensemble_config(network), [network_config(network), decode_config(network)])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda c: c.update(name="a/b"), "part of URLs"),
        (lambda c: c["input"][0].update(name="pixels"), "input is"),
        (lambda c: c["input"][0].update(data_type="TYPE_FP32"), "input is"),
        (lambda c: c["input"].append(c["input"][0]), "2 tensors"),
        (lambda c: c["output"][0].update(dims=[3]), "output is"),
        (lambda c: c.update(max_batch_size=64), "accepts 1 to 32"),
        (lambda c: c.update(max_batch_size=0), "accepts 1 to 32"),
        (lambda c: c["dynamic_batching"].update(preferred_batch_size=[8, 33]), r"preferred batch sizes \[33\]"),
        (lambda c: c["model_warmup"][0].update(batch_size=40), "warm-up has batch 40"),
        (lambda c: c["model_warmup"][0]["inputs"][0].update(key="x"), "other tensors"),
    ],
)
def test_a_broken_network_configuration_is_refused(network: Network, change: Change, problem: str) -> None:
    config = copy.deepcopy(network_config(network))
    change(config)
    with pytest.raises(InvalidConfig, match=problem):
        check_network(config, network)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda c: c["ensemble_scheduling"]["step"][0].update(model_name="x"), "no model 'x'"),
        (lambda c: c["ensemble_scheduling"]["step"][1]["input_map"][0].update(value="x"), "tensor 'x' is None"),
        (lambda c: c["ensemble_scheduling"]["step"][1]["input_map"][0].update(key="x"), "takes"),
        (lambda c: c["ensemble_scheduling"]["step"][1]["output_map"][0].update(key="x"), "no output 'x'"),
        (lambda c: c["output"][0].update(dims=[5]), "no step gives"),
        (lambda c: c.update(max_batch_size=64), "max_batch_size is 64"),
    ],
)
def test_a_broken_ensemble_is_refused(network: Network, change: Change, problem: str) -> None:
    config = copy.deepcopy(ensemble_config(network))
    change(config)
    with pytest.raises(InvalidConfig, match=problem):
        check_ensemble(config, [network_config(network), decode_config(network)])
