"""Convert a trained Keras model, and verify every step against it on held-out pictures.

    python convert/run.py --precision int8
    python convert/run.py --precision fp16 artifacts/model.keras artifacts/model.fp16.plan

The suffix of a target is the wish: .onnx (ONNX Runtime), .xml (OpenVINO), .plan (TensorRT), .savedmodel (TensorFlow),
.tftrt (TF-TRT).
Without a target: the ONNX file, and besides it what this machine can make. What is up to date is not made again.
"""

import argparse
import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from convert.trt.build_options import EXPLAINED, Batch, parse_batch, parse_options
from temper.card import PRECISIONS
from temper.cli.entry_point import enter
from temper.errors import MissingRuntime, UserError


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, default=Path("artifacts/model.keras"), help="a .keras file")
    parser.add_argument("targets", nargs="*", type=Path, help="what to make of it, named by suffix")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32")
    parser.add_argument("--data", type=Path, help="where the model's pictures lie, if they have moved")
    plan = parser.add_argument_group("plan")
    plan.add_argument("--batch", type=_batch, default=(1, 8, 32), help="smallest:best:largest (1:8:32)")
    plan.add_argument("--builder", action="append", default=[], metavar="NAME=VALUE", help=EXPLAINED)
    int8 = parser.add_argument_group("int8")
    int8.add_argument(
        "--calibration", choices=("auto", "max", "percentile", "entropy"), default="auto", help="auto tries all (auto)"
    )
    int8.add_argument("--pictures", type=int, default=256, help="training pictures that calibrate (256)")
    int8.add_argument("--keep", type=int, default=8, help="layers that may stay in float to pass the gate (8)")
    gate = parser.add_argument_group("gate", "what a conversion may cost; beyond it the file is kept as ….rejected")
    gate.add_argument("--max-drop", type=float, default=0.5, help="points of top-1 (0.5)")
    gate.add_argument("--max-class-drop", type=float, default=2.0, help="points of one label's recall (2)")
    gate.add_argument("--min-agreement", type=float, help="%% of labels equal to Keras (99.9, 99, 97 by precision)")
    parser.add_argument("--force", action="store_true", help="make again what is up to date")
    return parser.parse_args(words)


def main() -> int:
    """Make the targets, and the others when one is refused or lacks its runtime; 1 then."""
    options = parse()
    from convert.pipeline import ConversionRejected, Pipeline
    from convert.settings import ConversionSettings
    from convert.targets import make
    from convert.verification.accuracy_gate import Limits
    from convert.verification.parity import Pictures
    from temper.formats import checked_card

    if options.model.suffix != ".keras":
        raise UserError(f"{options.model} is not a .keras file. Name the model that `make train` wrote.")
    parse_options(options.builder)
    limits = Limits(options.max_drop, options.max_class_drop, options.min_agreement)
    pictures = Pictures(options.model, checked_card(options.model), options.data)
    pipeline = Pipeline(pictures, limits, options.force, _progress())
    wish = ConversionSettings(
        options.precision, options.calibration, options.pictures, 0, options.keep, options.batch, tuple(options.builder)
    )
    failed: list[UserError] = []
    for target in options.targets or _possible(options.model, options.precision):
        try:
            make(pipeline, wish, target)
        except (MissingRuntime, ConversionRejected) as error:
            failed.append(error)
    show(options.model, limits)
    if failed:
        raise UserError("\n".join(str(error) for error in failed))
    return 0


def show(model: Path, limits: "Limits") -> None:  # type: ignore[name-defined]  # noqa: F821
    """Print the ladder and the first bad rung."""
    from convert.verification.parity_table import climb, first_bad, ladder_table
    from temper.card import read_card

    rungs = climb(model, limits)
    print(f"\n{read_card(model).recipe.get('pictures', 'held-out pictures')}, {model.name} and what was made of it:")
    print("\n".join(ladder_table(rungs)))
    if bad := first_bad(rungs):
        print(f"\nfirst bad rung: {bad.name}: {'; '.join(bad.violations)}")


def _progress() -> Callable[[str], None]:
    """Lines; one that counts ("…: 3 of 53") rewrites itself on a terminal, and elsewhere is said once."""
    counting = ""

    def say(line: str) -> None:
        nonlocal counting
        counts = re.fullmatch(r"(.*): \d+ of \d+", line)
        if sys.stdout.isatty():
            ended = "" if counts or not counting else "\n"
            print(f"{ended}\r\x1b[K{line}" if counts else f"{ended}{line}\n", end="", flush=True)
        elif not counts or counts[1] != counting:
            print(counts[1] if counts else line, flush=True)
        counting = counts[1] if counts else ""

    return say


def _possible(model: Path, precision: str) -> list[Path]:
    """The ONNX file, and what else can be made here without being asked for."""
    suffixes = [".savedmodel"] if precision == "fp32" else []
    suffixes += [".onnx"]
    suffixes += [".xml"] if importlib.util.find_spec("openvino") else []
    suffixes += [".plan"] if _can_compile() else []
    return [model.with_name(f"{model.stem}.{precision}{suffix}") for suffix in suffixes]


def _can_compile() -> bool:
    from convert.trt.to_tensorrt import find_tensorrt
    from temper.system.gpu import find_gpu

    try:
        find_tensorrt()
    except MissingRuntime as missing:
        if find_gpu():
            print(f"no plan is made: {missing}")
        return False
    return True


def _batch(text: str) -> Batch:
    try:
        return parse_batch(text)
    except ValueError:
        expected = "smallest:best:largest, each 1 or more and none below the one before, such as 1:8:32"
        raise argparse.ArgumentTypeError(f"{text!r} is not {expected}") from None


if __name__ == "__main__":
    enter(main)
