"""One model of the table: how it is made, adopted and converted, and its row."""

import argparse
import logging
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from convert.targets import rejected_path
from experiments.support import ROOT
from temper.artifact import Artifact
from temper.card import Card, Host, Precision, read_card
from temper.cli.text import plural
from temper.errors import UsageError
from temper.exit_codes import ExitCode
from temper.storage.atomic import write_text

LOGGER = logging.getLogger("temper.experiments")
FOLDER = Path(__file__).resolve().parent
HEADINGS = (
    "model", "source", "preprocessing", "input", "output", "top-1 %", "max difference", "fp32 .xml", "fp16", "int8",
)  # fmt: skip
# Each with the file whose card has the verdict.
TARGETS: tuple[tuple[Precision, str], ...] = (("fp32", ".xml"), ("fp16", ".onnx"), ("int8", ".onnx"))
CALIBRATION = ("--calibration-method", "percentile")
# How an adoption ended, in the file of this name: FOUND, NAMED, or the reason why it failed.
OUTCOME = "outcome.txt"
FOUND, NAMED = "found", "named"


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model of the table. source: in words. file: its name. data: "photos" or "drawn". classes: of its output.

    maker: words of keras_models.py or torch_models.py, without data and target. preprocessing: where images do not
    decide.
    """

    name: str
    source: str
    file: str
    maker: tuple[str, ...]
    preprocessing: str
    data: str = "drawn"
    classes: int = 2

    @property
    def is_torch(self) -> bool:
        """True for a model that needs the Python with torch."""
        return "PyTorch" in self.source


def _torch(network: str, classes: int, how: str, *options: str) -> Model:
    training = ("--epochs", "16", "--rate", "0.05") if network.startswith("mobilenet") else ()
    return Model(
        name=f"{network}, {classes:,} classes", source=f"PyTorch, {how}", file=f"{network}-{classes}.onnx",
        maker=(network, str(classes), *options, *training), preprocessing="torch", classes=classes,
    )  # fmt: skip


MODELS = (
    Model(
        name="tutorial's ResNet50, 224 px", source="Keras 3, .h5", file="tutorial.h5", maker=("tutorial",),
        preprocessing="caffe", data="photos",
    ),
    Model(
        name="depthwise, sigmoid", source="Keras 2 (tf-keras), .h5", file="depthwise.h5", maker=("depthwise",),
        preprocessing="tf",
    ),
    Model(
        name="depthwise, softmax", source="Keras 3, SavedModel with a signature", file="signature",
        maker=("signature",), preprocessing="tf",
    ),
    _torch("resnet18", 10, "fixed batch, weights beside", "--batch", "fixed"),
    _torch("resnet18", 1000, "free batch, one file", "--batch", "free", "--exporter", "one-file"),
    _torch("mobilenet_v2", 10, "TorchScript exporter, fixed batch", "--exporter", "torchscript"),
    _torch("mobilenet_v2", 1000, "free batch, weights beside", "--batch", "free"),
)  # fmt: skip


def build(model: Model, drawn: Path, options: argparse.Namespace) -> None:
    """Make a model where it is missing, adopt it, and convert it to every precision. drawn: folder of drawn images."""
    data = options.photos.resolve() if model.data == "photos" else drawn
    folder = _folder(model, options.models)
    folder.mkdir(parents=True, exist_ok=True)
    original = folder / model.file
    if not original.exists():
        LOGGER.info("%s: making it", model.file)
        _make(model, data, original, options)
    outcome = adopt(model, data, original)
    write_text(folder / OUTCOME, outcome)
    if outcome not in (FOUND, NAMED):
        return
    artifact = _adopted(folder)
    for precision, suffix in TARGETS:
        done = _convert(artifact.path, artifact.sibling(precision, suffix).path, "--precision", precision, *CALIBRATION)
        if done.returncode not in (ExitCode.OK, ExitCode.QUALITY):
            LOGGER.warning("%s: no %s: %s", model.file, precision, _last_line(done))


def _make(model: Model, data: Path, target: Path, options: argparse.Namespace) -> None:
    if model.is_torch and not options.torch:
        raise UsageError(
            f"{model.file} is made by PyTorch, and no Python with it is named",
            fix="Name one with --torch, or adopt others with --only.",
        )
    python = options.torch if model.is_torch else sys.executable
    program = FOLDER / ("torch_models.py" if model.is_torch else "keras_models.py")
    words = [*model.maker[:2], data, target, *model.maker[2:]] if model.is_torch else [*model.maker, data, target]
    if model.data == "photos":
        words += ["--size", "224", "--weights", options.weights.resolve()]
    paths = [str(options.tf_keras.resolve())] if options.tf_keras else []
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    subprocess.run([str(python), str(program), *map(str, words)], check=True, env=environment, stdout=sys.stderr)


def adopt(model: Model, data: Path, original: Path) -> str:
    """Adopt an original beside itself; FOUND, NAMED, or the reason why it failed."""
    labels = original.with_name("labels.txt")
    known = sorted(path.name for path in (data / "train").iterdir() if path.is_dir())
    labels.write_text("\n".join([*known, *(f"class {i}" for i in range(len(known), model.classes))]), encoding="utf-8")
    words = ["adopt", original, "--data", data, "--labels", labels, "--out", original.with_name("model"), "--trust"]
    done, outcome = _convert(*words), FOUND
    # The user must say more: the images do not decide. For anything else, the second call gives the same reason.
    if done.returncode == ExitCode.USAGE:
        done, outcome = _convert(*words, "--preprocessing", model.preprocessing), NAMED
    return _last_line(done) if done.returncode else outcome


def rows_of(model: Model, work: Path) -> list[tuple[str, ...]]:
    """The row of a model, from the cards that its last run has left; none where it was not adopted yet."""
    folder = _folder(model, work)
    outcome = _outcome(folder)
    if outcome not in (FOUND, NAMED):
        return [(model.name, model.source, outcome, *[""] * (len(HEADINGS) - 3))] if outcome else []
    artifact = _adopted(folder)
    adopted = artifact.card.adopted
    assert adopted is not None
    row = (
        model.name,
        model.source,
        f"{adopted.preprocessing}, {outcome}",
        f"{adopted.layout} {adopted.dtype}, {artifact.card.size} px",
        adopted.output,
        f"{100 * adopted.accuracy:.1f}",
        f"{adopted.max_difference:.1e}",
        *(_verdict(artifact, artifact.sibling(precision, suffix)) for precision, suffix in TARGETS),
    )
    return [row]


def hosts_of(model: Model, work: Path) -> set[Host]:
    """The machine on which a model was adopted, as its card says; none where it was not."""
    folder = _folder(model, work)
    return {_adopted(folder).card.host} if _outcome(folder) in (FOUND, NAMED) else set()


def _folder(model: Model, work: Path) -> Path:
    return work.resolve() / Path(model.file).stem


def _outcome(folder: Path) -> str:
    """How the last adoption ended; "" without one."""
    path = folder / OUTCOME
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _verdict(model: Artifact, target: Artifact) -> str:
    """Agreement and the gate's decision, of the last conversion of this model."""
    # What is rejected stays until the gate accepts a later one.
    for path in (rejected_path(target.path), target.path):
        card = read_card(path) if path.exists() else None
        if card and card.model_sha256 == model.card.sha256:
            return _cell(card, is_rejected=path != target.path)
    return "not converted"


def _cell(card: Card, is_rejected: bool) -> str:
    agreement = card.measured_agreement
    percent = f"{100 * agreement.agreement:.2f} %" if agreement else "not run"
    excluded = card.calibration.excluded if card.calibration else ()
    layers = f", {plural(len(excluded), 'layer')} in float" if excluded else ""
    return f"{percent}, {'rejected' if is_rejected else 'passes'}{layers}"


def _adopted(folder: Path) -> Artifact:
    """What the model in a folder became: model.keras or model.fp32.onnx, whichever is an adopted one."""
    keras = folder / "model.keras"
    return Artifact.at(keras if keras.exists() else folder / "model.fp32.onnx")


def _convert(*words: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "convert/run.py", *map(str, words)]
    LOGGER.info("%s", " ".join(command[1:]))
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def _last_line(done: "subprocess.CompletedProcess[str]") -> str:
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
