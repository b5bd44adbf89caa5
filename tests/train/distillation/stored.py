"""A teacher on disk, made without a training."""

from pathlib import Path

import keras

from temper.artifact import Artifact
from temper.card import Card, write_card
from temper.provenance import provenance
from temper.system.host import describe_host

LABELS = ("cat", "dog")


def store(model: keras.Model, path: Path) -> Artifact:
    """Write a network of tests.train.fitting.tiny_fit and its card."""
    new = Artifact.at(path)
    model.save(new.path)
    made = provenance(packages=("keras",))
    write_card(new.path, Card(labels=LABELS, size=32, sha256=new.sha256(), provenance=made, host=describe_host()))
    return new
