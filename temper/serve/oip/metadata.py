"""What the server says about itself and its models, in the protocol's words and in Temper's."""

from typing import Any

from temper import __version__
from temper.artifact import Artifact
from temper.card import Card
from temper.intervals import wilson
from temper.runners.base import RuntimeInfo
from temper.serve.oip.request import INPUT, OUTPUT
from temper.serve.oip.response import VERSION

EXTENSIONS = ("binary_tensor_data", "classification", "model_configuration")


def server_metadata() -> dict[str, Any]:
    """`GET /v2`."""
    return {"name": "temper", "version": __version__, "extensions": EXTENSIONS}


def model_metadata(name: str, artifact: Artifact) -> dict[str, Any]:
    """`GET /v2/models/NAME`: names, types and shapes of the tensors."""
    size = artifact.card.size
    return {
        "name": name,
        "versions": [VERSION],
        "platform": platform_of(artifact),
        "inputs": [{"name": INPUT, "datatype": "UINT8", "shape": [-1, size, size, 3]}],
        "outputs": [{"name": OUTPUT, "datatype": "FP32", "shape": [-1, len(artifact.card.labels)]}],
    }


def model_config(name: str, artifact: Artifact, max_batch: int, max_wait_ms: float) -> dict[str, Any]:
    """`GET /v2/models/NAME/config`: as far as Triton's configuration describes this server."""
    size = artifact.card.size
    return {
        "name": name,
        "platform": platform_of(artifact),
        "max_batch_size": max_batch,
        "input": [{"name": INPUT, "data_type": "TYPE_UINT8", "format": "FORMAT_NHWC", "dims": [size, size, 3]}],
        "output": [{"name": OUTPUT, "data_type": "TYPE_FP32", "dims": [len(artifact.card.labels)]}],
        "dynamic_batching": {"max_queue_delay_microseconds": round(1000 * max_wait_ms)},
    }


def platform_of(artifact: Artifact) -> str:
    """The name of a format in the protocol's form, "temper_onnx"."""
    return f"temper{artifact.format.suffix.replace('.', '_')}"


def card_summary(name: str, artifact: Artifact, runtime: RuntimeInfo | None) -> dict[str, Any]:
    """`GET /v2/models/NAME/card`. runtime: None before the artifact is loaded."""
    card = artifact.card
    agreement = card.measured_agreement
    return {
        "model_name": name,
        "artifact": artifact.name,
        "sha256": card.sha256,
        "precision": card.precision,
        "runtime": runtime.runtime if runtime else "",
        "device": runtime.device if runtime else "",
        "labels": card.labels,
        "size": card.size,
        "confidence_threshold": card.confidence_threshold,
        "accuracy": accuracy_of(card),
        "agreement": agreement
        and {
            "agreement": agreement.agreement,
            "images": agreement.images,
            "max_difference": agreement.max_difference,
        },
    }


def accuracy_of(card: Card) -> dict[str, Any] | None:
    """Accuracy on held-out images with its 95 % interval: the artifact's own, or that of the training."""
    if agreement := card.measured_agreement:
        correct = round(agreement.top1 * agreement.images)
        return {
            "value": agreement.top1,
            "interval": wilson(correct, agreement.images),
            "images": agreement.images,
        }
    if card.training:
        result = card.training.result
        return {"value": result.accuracy, "interval": result.interval, "images": result.images}
    return None
