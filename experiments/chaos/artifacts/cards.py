"""Cards that are damaged by a bit, and cards that are edited and sealed again."""

import copy
import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from experiments.chaos.artifacts.outcomes import Outcomes
from experiments.chaos.artifacts.targets import build_targets, predict
from temper.artifact import Artifact
from temper.card import read_card
from temper.card.files import sealed
from temper.reference import has_golden, read_reference

VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1, 10**30, 0.5, 1e9, 1e308, "", "x", "..", "a/b", "/etc/passwd", "\0", "x" * 300, "\x1b[2J",
    [], [1], ["a", "a"], ["a", "b", "c"], {}, {"a": 1}, [[[]]], [0, 0, 0], "int8", "9" * 5000,
)  # fmt: skip


def run(count: int, seed: int, scratch: Path) -> dict[str, Any]:
    """Flip single bits of a card: every one where `count` reaches, else `count` random ones.

    A card that reads as before is ok: the bit was in a space, or in the name of its checksum.
    """
    artifact = build_targets(scratch)[1]
    intact, content = artifact.card, artifact.card_path.read_bytes()
    bits = range(8 * len(content))
    chosen = bits if count >= len(bits) else Random(seed).sample(bits, count)
    outcomes = Outcomes()
    for bit in chosen:
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        artifact.card_path.write_bytes(damaged)
        outcomes.attempt(lambda: read_card(artifact.path) == intact, f"bit {bit}")
    return outcomes.as_dict()


def run_sealed(count: int, seed: int, scratch: Path) -> dict[str, Any]:
    """Replace or remove values of a card, seal it again and use the artifact: ok counts all that works.

    What must not occur is a traceback.
    """
    artifact, outcomes, random = build_targets(scratch)[0], Outcomes(), Random(seed)
    content = artifact.card_path.read_bytes()
    for _ in range(count):
        place, fields = _edited(json.loads(content), random)
        artifact.card_path.write_text(json.dumps(fields if random.random() < 0.1 else sealed(fields)))
        outcomes.attempt(lambda: _use(artifact.path), place)
    return outcomes.as_dict()


def _use(path: Path) -> bool:
    artifact = Artifact.at(path)
    read_reference(artifact)
    has_golden(artifact)
    return bool(np.isfinite(predict(artifact)).all())


def _edited(fields: dict[str, Any], random: Random) -> tuple[str, dict[str, Any]]:
    """A copy with one value removed or replaced, and where."""
    changed = copy.deepcopy(fields)
    place: Any = changed
    path = []
    while True:
        key = random.choice(list(place) if isinstance(place, dict) else range(len(place)))
        path.append(str(key))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or random.random() < 0.3:
            break
        place = inner
    if random.random() < 0.2:
        del place[key]
    else:
        place[key] = random.choice(VALUES)
    return ".".join(path), changed
