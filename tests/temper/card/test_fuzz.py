"""Cards with random mistakes: whatever reads a card shows one message, never a traceback."""

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from temper.artifact import Artifact
from temper.card import Host, PlanInfo, card_path, read_card, write_card
from temper.card.files import OWN_SHA256, sealed
from temper.cli import main
from temper.errors import UserError
from temper.reference import read_golden, read_reference
from temper.system import environment

MUTATIONS, FLIPS = 300, 60
VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2, 10**30, 1.5, -0.5, 1e308, "", "x", "..", "a/b", "/etc/passwd", "\0", "x" * 300, " ",
    [], [1], ["a"], ["a", "a"], ["a", "b", "c"], {}, {"a": 1}, "1.2.3", [[[]]], [0, 0, 0], [3, 2, 1], "int8",
    "9" * 5000,
]  # fmt: skip
SCHEMA1 = Path(__file__).parent / "schema1"


@pytest.fixture(scope="module")
def artifacts(made_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """An ONNX file, a plan and an artifact of schema 1, each with an intact card."""
    folder = tmp_path_factory.mktemp("fuzz")
    for path in made_bundle.parent.glob("model.*"):
        shutil.copy(path, folder)
    onnx = Artifact.at(folder / "model.fp32.onnx")
    plan, old = (Artifact.at(folder / name) for name in ("model.int8.plan", "old.fp32.onnx"))
    for each in (plan, old):
        shutil.copy(onnx.path, each.path)
    info = PlanInfo(module="tensorrt", version="10.9.0", compute_capability="8.9", portable=("version",))
    write_card(plan.path, onnx.card.changed(precision="int8", plan=info, host=Host(system="Linux x86_64")))
    card = json.loads((SCHEMA1 / "model.int8.plan.json").read_text())
    old.card_path.write_text(json.dumps({**card, "sha256": onnx.card.sha256, "size": onnx.card.size}))
    return [onnx.path, plan.path, old.path]


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to all values inside a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, each in inside:
        yield (*above, key)
        yield from places(each, (*above, key))


def mutated(card: Any, random: Random) -> str:
    """The card with one value removed or replaced, mostly by another of its type."""
    changed = copy.deepcopy(card)
    *above, last = random.choice(list(places(card)))
    parent = changed
    for key in above:
        parent = parent[key]
    if random.random() < 0.2:
        del parent[last]
    else:
        alike = [each for each in VALUES if type(each) is type(parent[last])]
        parent[last] = random.choice(alike if alike and random.random() < 0.7 else VALUES)
    return json.dumps(sealed(changed) if OWN_SHA256 in changed else changed)


def flipped(text: str, random: Random) -> bytes:
    """The card with a few bits flipped."""
    content = bytearray(text.encode())
    for _ in range(random.choice([1, 1, 3])):
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    return bytes(content)


def read_everything(artifact: Path) -> None:
    """All that is done with a card before a runtime loads the artifact."""
    read_card(artifact)
    for command in ("inspect", "doctor"):
        main.run(main.parse([command, str(artifact)]))
    read_reference(Artifact.at(artifact))
    read_golden(Artifact.at(artifact))


def test_a_card_with_a_mistake_is_read_or_refused(artifacts: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    detected = environment.detect_environment()
    monkeypatch.setattr(environment, "detect_environment", lambda: detected)
    random = Random(0)
    refused = 0
    for artifact in artifacts:
        intact = card_path(artifact).read_text()
        contents = [mutated(json.loads(intact), random).encode() for _ in range(MUTATIONS // len(artifacts))]
        contents += [flipped(intact, random) for _ in range(FLIPS // len(artifacts))]
        for content in contents:
            card_path(artifact).write_bytes(content)
            try:
                read_everything(artifact)
            except UserError:
                refused += 1
    assert refused > MUTATIONS // 4
