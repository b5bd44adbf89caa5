"""Rules that Triton's parser does not check: a configuration that breaks one is not loaded, or predicts wrong.

They run each time that a model repository is written.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from convert.triton.network import Network, Tensor
from convert.triton.pbtxt import Fields
from temper.errors import ArtifactError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class InvalidConfig(ArtifactError):
    """A configuration that Triton would refuse, or that does not describe the artifact."""


def check_network(config: Fields, network: Network) -> None:
    """Compare the network's configuration with its file and card. Raises InvalidConfig with every problem."""
    _raise(config, [*_name_problems(config), *_network_problems(config, network)])


def check_ensemble(config: Fields, models: Iterable[Fields]) -> None:
    """Follow the tensors of an ensemble through its steps. Raises InvalidConfig with every problem."""
    by_name = {each["name"]: each for each in models}
    _raise(config, [*_name_problems(config), *_ensemble_problems(config, by_name)])


def _raise(config: Fields, problems: list[str]) -> None:
    if problems:
        raise InvalidConfig(
            f"the Triton configuration of {config.get('name', '')!r} is not valid: {'; '.join(problems)}",
            fix="Convert the model again; if the name is the problem, under another one.",
        )


def _name_problems(config: Fields) -> Iterator[str]:
    if not NAME.fullmatch(config["name"]):
        yield "its name is a part of URLs, and has other characters than letters, digits, '.', '_' and '-'"


def _network_problems(config: Fields, network: Network) -> Iterator[str]:
    card, largest = network.card, config["max_batch_size"]
    expected_images = Tensor(name=network.images.name, data_type="TYPE_UINT8", dims=(card.size, card.size, 3))
    expected_output = Tensor(name=network.probabilities.name, data_type="TYPE_FP32", dims=(len(card.labels),))
    for end, expected in (("input", expected_images), ("output", expected_output)):
        if len(config[end]) != 1:
            yield f"it has {len(config[end])} tensors as {end}"
        elif _tensor(config[end][0]) != expected:
            yield f"{end} is {_tensor(config[end][0])}, and file and card have {expected}"
    if network.probabilities.dims != expected_output.dims:
        yield f"the file has {network.probabilities.dims} outputs, and the card {len(card.labels)} labels"
    if not 1 <= largest <= network.batch.max:
        yield f"max_batch_size is {largest}, and the network accepts 1 to {network.batch.max}"
    if too_large := [each for each in config["dynamic_batching"]["preferred_batch_size"] if not 1 <= each <= largest]:
        yield f"preferred batch sizes {too_large} are not within 1 and max_batch_size {largest}"
    for sample in config["model_warmup"]:
        if not 1 <= sample["batch_size"] <= largest:
            yield f"the warm-up has batch {sample['batch_size']}, and max_batch_size is {largest}"
        if [(each["key"], tuple(each["value"]["dims"])) for each in sample["inputs"]] != [
            (expected_images.name, expected_images.dims)
        ]:
            yield "the warm-up has other tensors than the network"
    if any("\n" in label or not label.strip() for label in card.labels):
        yield "a label is empty or has a line break, and a file of labels has one in each line"


def _ensemble_problems(config: Fields, models: Mapping[str, Fields]) -> Iterator[str]:
    known: dict[str, Tensor] = {each["name"]: _tensor(each) for each in config["input"]}
    for step in config["ensemble_scheduling"]["step"]:
        model = models.get(step["model_name"])
        if model is None:
            yield f"there is no model {step['model_name']!r}"
            continue
        if config["max_batch_size"] > model["max_batch_size"]:
            yield f"max_batch_size is {config['max_batch_size']}, and {model['name']} has {model['max_batch_size']}"
        inputs, outputs = ({each["name"]: _tensor(each) for each in model[end]} for end in ("input", "output"))
        yield from _input_problems(step, inputs, known)
        for pair in step["output_map"]:
            if pair["key"] in outputs:
                known[pair["value"]] = outputs[pair["key"]]
            else:
                yield f"{model['name']} has no output {pair['key']!r}"
    for each in config["output"]:
        if not _fits(known.get(each["name"]), _tensor(each)):
            yield f"no step gives the output {_tensor(each)}"


def _input_problems(step: Fields, inputs: dict[str, Tensor], known: dict[str, Tensor]) -> Iterator[str]:
    mapped = {pair["key"]: pair["value"] for pair in step["input_map"]}
    if mapped.keys() != inputs.keys():
        yield f"{step['model_name']} takes {sorted(inputs)}, and the step gives {sorted(mapped)}"
    for name, source in mapped.items():
        if name in inputs and not _fits(known.get(source), inputs[name]):
            yield f"tensor {source!r} is {known.get(source)}, and {step['model_name']} takes {inputs[name]}"


def _fits(given: Tensor | None, taken: Tensor) -> bool:
    return given is not None and (given.data_type, given.dims) == (taken.data_type, taken.dims)


def _tensor(fields: Mapping[str, Any]) -> Tensor:
    return Tensor(name=fields["name"], data_type=str(fields["data_type"]), dims=tuple(fields["dims"]))
