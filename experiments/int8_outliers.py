"""Make a ResNet50 with equal predictions that is hard to quantize, to test the mixed-precision fallback of int8.

    python experiments/int8_outliers.py artifacts/model.keras artifacts/outliers/model.keras
    python convert/run.py artifacts/outliers/model.keras --precision int8 --max-float-layers 0    rejected
    python convert/run.py artifacts/outliers/model.keras --precision int8                         accepted

In some blocks one channel is multiplied by FACTOR, and the weights that read it are divided by FACTOR; ReLU preserves
the product. This channel then determines the range of the complete tensor, and 8 bits are too coarse for the others.
This program writes the model only; benchmarks/results/precision-224.md has the results of the two conversions.
"""

import argparse
import logging
import shutil
import sys
from pathlib import Path
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from experiments.support import make_parser
from temper.cli.entry_point import run_command

LOGGER = logging.getLogger("temper.experiments")
FACTOR = 1000.0
BLOCKS = ("conv3_block2", "conv4_block3", "conv4_block5", "conv5_block2")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__)
    parser.add_argument("source", type=Path, help="a .keras file with a ResNet50, written by train/run.py")
    parser.add_argument("target", type=Path, help="the model that is written, in another folder")
    parser.add_argument(
        "--blocks", nargs="+", default=BLOCKS, help=f"blocks with such a channel (default: {' '.join(BLOCKS)})"
    )
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Scale the channels, and write the model with its card and split."""
    from temper.artifact import Artifact
    from temper.card import write_card
    from temper.runners.keras import import_keras
    from temper.storage.atomic import atomic_write

    source, target = Artifact.at(options.source).verified(), Artifact.at(options.target)
    model = import_keras().saving.load_model(source.path, compile=False)
    for block in options.blocks:
        scale_channel(model.get_layer(f"{block}_1_bn"), model.get_layer(f"{block}_2_conv"))
    with atomic_write(target.path) as path:
        model.save(path)
    if source.card.dataset:
        split = source.card.dataset.split.file
        shutil.copy(source.path.with_name(split), target.path.with_name(split))
    write_card(target.path, source.card.changed(sha256=target.sha256()))
    LOGGER.info("%s: one channel of %s is multiplied by %g", target.path, ", ".join(options.blocks), FACTOR)
    return 0


def scale_channel(normalization: Any, convolution: Any) -> None:
    """Scale the channel with the largest gamma, and inversely the weights [h, w, in, out] that read it."""
    gamma, beta, *moving = normalization.get_weights()
    channel = int(gamma.argmax())
    gamma[channel] *= FACTOR
    beta[channel] *= FACTOR
    normalization.set_weights([gamma, beta, *moving])
    kernel, *bias = convolution.get_weights()
    kernel[:, :, channel] /= FACTOR
    convolution.set_weights([kernel, *bias])


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
