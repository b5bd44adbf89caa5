"""The configurations of Triton's models, from an artifact's card."""

from typing import Any

from convert.triton.network import FILES, Network
from convert.triton.pbtxt import Fields, Word

LABELS_FILE = "labels.txt"
# An idle network waits this long for a fuller batch: a hundredth of what a person notices.
QUEUE_DELAY_MICROSECONDS = 1_000
# As `temper serve`: requests that wait, and how long one may.
MAX_QUEUE = 256
TIMEOUT_MICROSECONDS = 5_000_000
LATEST = {"latest": {"num_versions": 1}}
JPEG_INPUT = "file"


def network_config(network: Network) -> dict[str, Any]:
    """The configuration of the network itself: images in, probabilities out."""
    images, probabilities = network.images, network.probabilities
    profiles = {"profile": [str(each) for each in range(network.profiles)]} if network.profiles > 1 else {}
    fields: dict[str, Any] = {
        "name": network.name,
        "platform": network.platform,
        "default_model_filename": FILES[network.platform],
        "max_batch_size": network.batch.max,
        "version_policy": LATEST,
        "input": [{"name": images.name, "data_type": Word(images.data_type), "dims": list(images.dims)}],
        "output": [
            {
                "name": probabilities.name,
                "data_type": Word(probabilities.data_type),
                "dims": list(probabilities.dims),
                "label_filename": LABELS_FILE,
            }
        ],
        "instance_group": [{"count": 1, "kind": Word("KIND_GPU" if network.needs_gpu else "KIND_CPU"), **profiles}],
        "dynamic_batching": _dynamic_batching(network),
        "model_warmup": [_warm_up(network, batch) for batch in sorted({1, network.batch.best, network.batch.max})],
    }
    if not network.needs_gpu:
        # One instance, and as many threads as cores: the backend's defaults, named so that they are easy to change.
        fields["parameters"] = [_parameter("intra_op_thread_count", "0"), _parameter("execution_mode", "0")]
    fields["parameters"] = [*fields.get("parameters", []), *_card_parameters(network)]
    return fields


def decode_config(network: Network) -> dict[str, Any]:
    """The configuration of the Python model that decodes image files: bytes in, images out."""
    images = network.images
    return {
        "name": f"{network.name}_decode",
        "backend": "python",
        "max_batch_size": network.batch.max,
        "version_policy": LATEST,
        "input": [{"name": JPEG_INPUT, "data_type": Word("TYPE_STRING"), "dims": [1]}],
        "output": [{"name": images.name, "data_type": Word(images.data_type), "dims": list(images.dims)}],
        "instance_group": [{"count": 1, "kind": Word("KIND_CPU")}],
        "dynamic_batching": {"default_queue_policy": _queue_policy()},
    }


def ensemble_config(network: Network) -> dict[str, Any]:
    """The configuration of the ensemble: the decoding model, then the network."""
    images, probabilities = network.images.name, network.probabilities.name
    decode, predict = decode_config(network), network_config(network)
    return {
        "name": f"{network.name}_jpeg",
        "platform": "ensemble",
        "max_batch_size": network.batch.max,
        "version_policy": LATEST,
        "input": decode["input"],
        "output": predict["output"],
        "ensemble_scheduling": {
            "step": [
                _step(decode["name"], (JPEG_INPUT, JPEG_INPUT), (images, "decoded")),
                _step(network.name, (images, "decoded"), (probabilities, probabilities)),
            ]
        },
    }


def _step(model: str, takes: tuple[str, str], gives: tuple[str, str]) -> Fields:
    return {
        "model_name": model,
        "model_version": -1,
        "input_map": [{"key": takes[0], "value": takes[1]}],
        "output_map": [{"key": gives[0], "value": gives[1]}],
    }


def _dynamic_batching(network: Network) -> Fields:
    return {
        "preferred_batch_size": [network.batch.best],
        "max_queue_delay_microseconds": QUEUE_DELAY_MICROSECONDS,
        "default_queue_policy": _queue_policy(),
    }


def _queue_policy() -> Fields:
    return {
        "timeout_action": Word("REJECT"),
        "default_timeout_microseconds": TIMEOUT_MICROSECONDS,
        "allow_timeout_override": True,
        "max_queue_size": MAX_QUEUE,
    }


def _warm_up(network: Network, batch: int) -> Fields:
    images = network.images
    value = {"data_type": Word(images.data_type), "dims": list(images.dims), "random_data": True}
    return {"name": f"batch {batch}", "batch_size": batch, "inputs": [{"key": images.name, "value": value}]}


def _card_parameters(network: Network) -> list[Fields]:
    card, preprocessing = network.card, network.card.preprocessing
    steps = (preprocessing.orientation, preprocessing.transparency, preprocessing.resize, preprocessing.interpolation)
    values = {
        "artifact_sha256": card.sha256,
        "precision": card.precision,
        "preprocessing": f"{preprocessing.channels}; {'; '.join(steps)}",
        "temper_version": card.provenance.temper,
    }
    if card.confidence_threshold is not None:
        values["confidence_threshold"] = str(card.confidence_threshold)
    if card.plan:
        values["tensorrt_version"] = card.plan.version
        values["compute_capability"] = card.plan.compute_capability
    return [_parameter(key, value) for key, value in values.items() if value]


def _parameter(key: str, value: str) -> Fields:
    return {"key": key, "value": {"string_value": value}}
