"""Flipped bits: with an honest card, and with a checksum that was made to fit."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from experiments.chaos.artifacts.outcomes import Outcomes
from experiments.chaos.artifacts.targets import build_stored, build_targets, copy_checked, flip, parts_of, predict, same
from experiments.chaos.faulty import plant
from temper.artifact import Artifact
from temper.card import write_card
from temper.runners.base import Probabilities
from temper.runners.load import open_runner
from temper.runners.self_test import self_test
from temper.system.child_process import ChildCrashed, run_in_child

# Flips in one process: after a crash the others of the same process are tried again.
BATCH = 50


def run(count: int, seed: int, scratch: Path) -> dict[str, Any]:
    """Flip a bit of an artifact's files, of every format in turn; its card is that of the intact files."""
    outcomes, random = Outcomes(), Random(seed)
    targets = [(each, predict(each)) for each in build_targets(scratch)]
    stored = build_stored(scratch)
    uses: list[tuple[Artifact, Callable[[], bool]]] = [(each, _predicts(each, expected)) for each, expected in targets]
    uses += [(each, _is_copied_as_it_was(each)) for each in stored]
    for number in range(count):
        artifact, use = uses[number % len(uses)]
        file = random.choice(parts_of(artifact))
        intact = flip(file, random)
        outcomes.attempt(use, file.name)
        file.write_bytes(intact)
    return outcomes.as_dict()


def run_sealed(count: int, seed: int, scratch: Path) -> dict[str, Any]:
    """Flip a bit of the files and write their checksum to the card, as an attacker would.

    No checksum can notice this: ok counts all that loads, and `changed` those of them that pass the self-test although
    a golden image gets another label. What must not occur is a traceback or a crash.
    """
    outcomes, changed = Outcomes(), 0
    artifacts = [str(each.path) for each in build_targets(scratch)]
    numbers = list(range(count))
    while numbers:
        batch = numbers[:BATCH]
        done = scratch / "done"
        done.write_text("")
        try:
            run_in_child(try_sealed, artifacts, batch, seed, done)
        except ChildCrashed:
            outcomes.add("crash")
        finished = done.read_text().splitlines()
        for line in finished:
            outcome, _, detail = line.partition(" ")
            changed += outcome == "changed"
            outcomes.add("ok" if outcome == "changed" else outcome)
            if outcome == "traceback":
                outcomes.examples.append(detail)
        crashed = len(finished) < len(batch)
        numbers = numbers[len(finished) + crashed :]
    return {**outcomes.as_dict(), "changed": changed}


def _predicts(artifact: Artifact, expected: Probabilities) -> Callable[[], bool]:
    return lambda: same(predict(artifact), expected)


def _is_copied_as_it_was(artifact: Artifact) -> Callable[[], bool]:
    def use() -> bool:
        copy_checked(artifact)
        # A bit is flipped: a runtime would get it.
        return False

    return use


def try_sealed(artifacts: list[str], numbers: list[int], seed: int, done: Path) -> None:
    """Try some flips, and write a line for each to `done`; for a child process."""
    plant()
    expected = {path: predict(Artifact.at(path)).argmax(axis=1) for path in artifacts}
    for number in numbers:
        random, path = Random(f"{seed} {number}"), artifacts[number % len(artifacts)]
        artifact = Artifact.at(path)
        card = artifact.card
        file = random.choice(artifact.files)
        intact = flip(file, random)
        write_card(artifact.path, card.changed(sha256=artifact.sha256()))
        outcomes = Outcomes()
        result: list[str] = []

        def use(path: str = path, result: list[str] = result) -> bool:
            with open_runner(Artifact.at(path)) as runner:
                is_changed = not (predict(Artifact.at(path)).argmax(axis=1) == expected[path]).all()
                result.append("changed" if is_changed and self_test(runner).passed else "ok")
            return True

        outcome = outcomes.attempt(use, file.name)
        line = result[0] if outcome == "ok" else outcome
        with done.open("a") as stream:
            stream.write(f"{line} {' '.join(outcomes.examples)}".replace("\n", " ") + "\n")
        file.write_bytes(intact)
        write_card(artifact.path, card)
