"""FORMATS, the one place a format is listed, and the way from an artifact to its runner."""

import importlib
from dataclasses import dataclass
from pathlib import Path

from temper.card import Card, read_card
from temper.errors import MissingRuntime, UserError
from temper.runners.base import Runner
from temper.storage.atomic import sha256_of


@dataclass(frozen=True)
class Format:
    """A way to store a classifier.

    suffix: of the artifact's path. companions: suffixes that replace it in files belonging to the artifact.
    runner: module and class under temper.runners. modes: ways to call it, the default first.
    install: the command that brings its runtime.
    """

    suffix: str
    title: str
    runner: str
    install: str
    modes: tuple[str, ...] = ("",)
    companions: tuple[str, ...] = ()

    def files(self, artifact: Path) -> list[Path]:
        """All paths of the artifact, itself first."""
        return [artifact, *(artifact.with_suffix(suffix) for suffix in self.companions)]


FORMATS: tuple[Format, ...] = (
    Format(
        ".keras",
        "Keras",
        "keras:KerasRunner",
        "pip install -r requirements.txt",
        modes=("tf.function", "predict", "predict_on_batch", "XLA"),
    ),
    Format(
        ".savedmodel",
        "TensorFlow SavedModel",
        "saved_model:SavedModelRunner",
        "pip install -r requirements.txt",
    ),
    Format(".tftrt", "TF-TRT", "saved_model:SavedModelRunner", "pip install -r requirements-tftrt.txt"),
    Format(".onnx", "ONNX Runtime", "onnxruntime:OnnxRuntimeRunner", "pip install onnxruntime onnx"),
    Format(".xml", "OpenVINO", "openvino:OpenVinoRunner", "pip install openvino", companions=(".bin",)),
    Format(".plan", "TensorRT", "tensorrt:TensorRtRunner", "pip install -r requirements-gpu.txt"),
)
SUFFIXES = tuple(each.suffix for each in FORMATS)


def format_of(artifact: Path) -> Format:
    """The format an artifact's suffix names. Raises UserError for an unknown one."""
    for each in FORMATS:
        if artifact.name.endswith(each.suffix):
            return each
    raise UserError(
        f"{artifact} has no suffix that Temper knows. Expected one of {', '.join(SUFFIXES)}: rename it, or convert "
        "a .keras model with `make convert`."
    )


def checked_card(artifact: Path) -> Card:
    """The artifact's card, after its files were found to be those the card speaks of (SHA-256).

    Raises UserError for an unknown suffix, a missing file, a missing card or changed content. Nothing is loaded:
    a plan is native code, and a flipped bit in an ONNX file changes answers without an error.
    """
    files = format_of(artifact).files(artifact)
    card = read_card(artifact)
    for file in files:
        if not file.exists():
            raise UserError(f"{file} is missing: {artifact.name} needs it beside it. Copy it along, or convert again.")
    if sha256_of(*files) != card.sha256:
        raise UserError(
            f"{artifact} is not the file its card describes: it is truncated, damaged or replaced (SHA-256 differs). "
            "Copy it again with its card, or make both again with `make convert`."
        )
    return card


def open_runner(artifact: Path, mode: str = "") -> Runner:
    """Check an artifact against its card and load it into the runner of its format.

    Raises UserError for a bad artifact, MissingRuntime when its library or device is not on this machine.
    """
    return load_runner(artifact, checked_card(artifact), mode)


def load_runner(artifact: Path, card: Card, mode: str = "") -> Runner:
    """Load an artifact that was just made or checked; `mode` is one of its format's, the first by default."""
    chosen = format_of(artifact)
    module, name = chosen.runner.split(":")
    try:
        runner: type[Runner] = getattr(importlib.import_module(f"temper.runners.{module}"), name)
    except ModuleNotFoundError as error:
        raise MissingRuntime(
            f"{artifact} is run by {chosen.title}, which is not installed here ({error}). Install it:\n"
            f"    {chosen.install}"
        ) from None
    return runner(artifact, card, mode or chosen.modes[0])
