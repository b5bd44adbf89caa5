"""Count the parameters of every backbone, and its multiply-accumulate operations for an image of 224 pixels.

python experiments/backbone_sizes.py
"""

import argparse
import math
import sys
from pathlib import Path
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from experiments.support import make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table

REPORT = "backbone-sizes.md"
SIZE = 224
TEXT = f"""Without a head, at {SIZE} pixels. Convolutions and matrix products are counted.
`python experiments/backbone_sizes.py` repeats it."""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    return make_parser(__doc__, REPORT).parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Count every backbone and write the table."""
    import keras

    from train.network.backbones import BACKBONES

    rows = []
    for name in BACKBONES:
        parameters, operations = count(name)
        rows.append((name, f"{parameters / 1e6:.1f}", f"{operations / 1e9:.2f}"))
        keras.backend.clear_session()
    headings = ("backbone", "parameters, millions", f"GMAC at {SIZE} px")
    table = Table(headings=headings, rows=rows, right=frozenset({1, 2}))
    write_report(options.out, "Sizes of the backbones", TEXT, table, packages=("keras",))
    return 0


def count(backbone: str, size: int = SIZE) -> tuple[int, int]:
    """Parameters, and multiply-accumulate operations for one image of `size` pixels."""
    from train.network.build import build_backbone

    model = build_backbone(backbone, None, input_shape=(size, size, 3))
    return model.count_params(), sum(_operations(layer) for layer in model.layers)


def _operations(layer: Any) -> int:
    """What a convolution or a matrix product multiplies: each output is a sum over one filter."""
    kernel = getattr(layer, "kernel", None)
    if kernel is None:
        return 0
    # The last axis of a kernel are its outputs; each channel of a depthwise one has a filter of its own.
    is_depthwise = type(layer).__name__ == "DepthwiseConv2D"
    axes: tuple[int, ...] = kernel.shape[:2] if is_depthwise else kernel.shape[:-1]
    outputs: tuple[int, ...] = layer.output.shape[1:]
    return math.prod((*axes, *outputs))


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
