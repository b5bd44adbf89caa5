"""Adopt models that other libraries made, convert each to every precision, and list what was found.

  python experiments/adopt/table.py --torch torch-env/bin/python --tf-keras tf-keras

Needs photos of cats and dogs, and weights of ResNet50, for the model of the tutorial, at 224 pixels; the others are
trained briefly on drawn images of 64 pixels. A model that is already in --models is not made again.
"""

import argparse
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.support import ROOT, make_parser, run_program, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table
from temper.cli.text import plural

LOGGER = logging.getLogger("temper.experiments")
FOLDER = Path(__file__).resolve().parent
HEADINGS = (
    "model", "source", "preprocessing", "input", "output", "top-1 %", "max difference", "fp32 .xml", "fp16", "int8",
)  # fmt: skip
# Each with the file whose card has the verdict.
TARGETS = (("fp32", ".xml"), ("fp16", ".onnx"), ("int8", ".onnx"))
CALIBRATION = ("--calibration-method", "percentile")
REJECTED = 7
UNDECIDED = 2
TEXT = """
Each model was made by the library that is named, as its users make it, adopted without naming its preprocessing, and
converted. *max difference* is between the probabilities of the original, run by its own runtime with its own
preprocessing, and of the wrapped model, on the held-out images of the folder. A precision shows the agreement with the
original on the same images, and whether the accuracy gate accepts it with its default limits. Where a model has 10 or
1,000 classes, two of them have images, and nothing is verified for the others.

The tutorial's model classifies photos of cats and dogs, and its head was fitted on 1,000 others. The small ones were
trained briefly, on 800 drawn images of cats and dogs; those with a low top-1 are unsure of many images, whose labels
change easily.

Measured on {host}, {threads} cores, with `python experiments/adopt/table.py`; int8 with `{calibration}`.
"""


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


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "adopt.md")
    parser.add_argument(
        "--torch", type=Path, metavar="PYTHON", help="a Python with torch, torchvision, onnx, onnxscript"
    )
    parser.add_argument("--tf-keras", type=Path, metavar="FOLDER", help="where tf-keras is installed (pip --target)")
    parser.add_argument("--photos", type=Path, default=Path("photos"), metavar="FOLDER", help="default: %(default)s")
    parser.add_argument(
        "--weights", type=Path, default=Path("resnet50-notop.weights.h5"), metavar="FILE", help="default: %(default)s"
    )
    parser.add_argument("--models", type=Path, default=Path("artifacts/adopt"), help="where everything is written")
    parser.add_argument("--only", nargs="+", metavar="FILE", help="only these models, by file name")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Make, adopt and convert every model, and write the table."""
    from temper.system.host import describe_host

    rows = list(_rows(options))
    host = describe_host()
    text = TEXT.format(host=host.processor, threads=host.cores, calibration=" ".join(CALIBRATION))
    table = Table(headings=HEADINGS, rows=rows, right=frozenset({5, 6}))
    write_report(options.out, "Adopted models", text, table)
    return 0


def _rows(options: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    drawn = options.models / "drawn"
    run_program("data/run.py", "draw", drawn.resolve(), "--train", "400", "--test", "150")
    for model in MODELS:
        if options.only and model.file not in options.only:
            continue
        data = options.photos.resolve() if model.data == "photos" else drawn.resolve()
        folder = (options.models / Path(model.file).stem).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        original = folder / model.file
        if not original.exists():
            LOGGER.info("%s: making it", model.file)
            _make(model, data, original, options)
        yield row(model, folder, adopt(model, data, original))


def _make(model: Model, data: Path, target: Path, options: argparse.Namespace) -> None:
    python = options.torch if model.is_torch else sys.executable
    program = FOLDER / ("torch_models.py" if model.is_torch else "keras_models.py")
    words = [*model.maker[:2], data, target, *model.maker[2:]] if model.is_torch else [*model.maker, data, target]
    if model.data == "photos":
        words += ["--size", "224", "--weights", options.weights.resolve()]
    paths = [str(options.tf_keras.resolve())] if options.tf_keras else []
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    subprocess.run([str(python), str(program), *map(str, words)], check=True, env=environment, stdout=sys.stderr)


def adopt(model: Model, data: Path, original: Path) -> str:
    """Adopt an original beside itself; how its preprocessing was found."""
    labels = original.with_name("labels.txt")
    known = sorted(path.name for path in (data / "train").iterdir() if path.is_dir())
    labels.write_text("\n".join([*known, *(f"class {i}" for i in range(len(known), model.classes))]), encoding="utf-8")
    words = ["adopt", original, "--data", data, "--labels", labels, "--out", original.with_name("model"), "--trust"]
    done = _convert(*words)
    if done.returncode == UNDECIDED and "do not decide" in done.stderr:
        done = _convert(*words, "--preprocessing", model.preprocessing)
        return "named" if not done.returncode else done.stderr
    return "found" if not done.returncode else done.stderr


def row(model: Model, folder: Path, how: str) -> tuple[str, ...]:
    """The cells of a model that was adopted, after its conversions; how: as `adopt` returns it."""
    from temper.artifact import Artifact

    paths = [path for path in (folder / "model.keras", folder / "model.fp32.onnx") if path.exists()]
    if how not in ("found", "named") or not paths:
        return (model.name, model.source, how.strip().splitlines()[-1], *[""] * (len(HEADINGS) - 3))
    artifact = Artifact.at(paths[0])
    adopted = artifact.card.adopted
    if adopted is None:
        return (model.name, model.source, "not adopted", *[""] * (len(HEADINGS) - 3))
    return (
        model.name,
        model.source,
        f"{adopted.preprocessing}, {how}",
        f"{adopted.layout} {adopted.dtype}, {artifact.card.size} px",
        adopted.output,
        f"{100 * adopted.accuracy:.1f}",
        f"{adopted.max_difference:.1e}",
        *(_verdict(artifact.path, precision, suffix) for precision, suffix in TARGETS),
    )


def _verdict(model: Path, precision: str, suffix: str) -> str:
    """Agreement and the gate's decision."""
    from temper.card import read_card

    target = model.with_name(f"model.{precision}{suffix}")
    done = _convert(model, target, "--precision", precision, *CALIBRATION)
    if done.returncode not in (0, REJECTED):
        return f"failed: {done.stderr.strip().splitlines()[-1]}"
    card = read_card(target if not done.returncode else target.with_name(f"{target.name}.rejected"))
    agreement = card.measured_agreement
    percent = f"{100 * agreement.agreement:.2f} %" if agreement else "not run"
    excluded = card.calibration.excluded if card.calibration else ()
    layers = f", {plural(len(excluded), 'layer')} in float" if excluded else ""
    return f"{percent}, {'passes' if not done.returncode else 'rejected'}{layers}"


def _convert(*words: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "convert/run.py", *map(str, words)]
    LOGGER.info("%s", " ".join(command[1:]))
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
