"""Make a ResNet50 that answers as before and is hard to quantise, to see whether int8 repairs itself.

    python experiments/int8_outliers.py artifacts/model.keras artifacts/hard/model.keras
    python convert/run.py artifacts/hard/model.keras --precision int8 --keep 0      plain int8: refused
    python convert/run.py artifacts/hard/model.keras --precision int8               repaired

In some blocks one channel is made FACTOR times larger, and what reads it as much smaller: ReLU keeps the product. The
range of the whole tensor then is that channel's, and 8 bits leave nothing to the others.
"""

import argparse
import dataclasses
import shutil
import sys
from pathlib import Path
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np

from temper.card import write_card
from temper.cli.entry_point import enter
from temper.formats import checked_card
from temper.storage.atomic import atomic_write, sha256_of
from temper.system.quiet import quiet_stderr

FACTOR = 1000.0
BLOCKS = ("conv3_block2", "conv4_block3", "conv4_block5", "conv5_block2")


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="a .keras file of train/run.py with ResNet50 inside")
    parser.add_argument("target", type=Path, help="where the hard one goes, in a folder of its own")
    parser.add_argument("--blocks", nargs="+", default=BLOCKS, help=f"({' '.join(BLOCKS)})")
    return parser.parse_args(words)


def main() -> int:
    """Scale the channels and write the model with its card and split."""
    options = parse()
    card = checked_card(options.source)
    with quiet_stderr():
        import keras

        model = keras.saving.load_model(options.source, compile=False)
    layers = {layer.name: layer for layer in model._flatten_layers()}
    for block in options.blocks:
        scale_channel(layers[f"{block}_1_bn"], layers[f"{block}_2_conv"])
    options.target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(options.target) as path:
        model.save(path)
    split = card.split["file"]
    shutil.copy(options.source.with_name(split), options.target.with_name(split))
    write_card(options.target, dataclasses.replace(card, sha256=sha256_of(options.target)))
    show(options.target, options.blocks)
    return 0


def show(target: Path, blocks: tuple[str, ...]) -> None:
    """Say what was made."""
    print(f"{target}: a channel of {', '.join(blocks)} is {FACTOR:g} times larger, its readers as much smaller")


def scale_channel(normalization: Any, convolution: Any) -> None:
    """Scale the channel with the largest factor, and the weights of `convolution` [h, w, in, out] that read it."""
    gamma, beta, *moving = normalization.get_weights()
    channel = int(np.argmax(gamma))
    gamma[channel] *= FACTOR
    beta[channel] *= FACTOR
    normalization.set_weights([gamma, beta, *moving])
    kernel, *bias = convolution.get_weights()
    kernel[:, :, channel] /= FACTOR
    convolution.set_weights([kernel, *bias])


if __name__ == "__main__":
    enter(main)
