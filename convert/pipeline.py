"""One step of the way from model.keras to a target: made, verified, judged, and only then given its card."""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convert.verification.accuracy_gate import Limits, violations
from convert.verification.parity import Agreement, Flip, Pictures, compare, reference
from temper.card import Card, Precision, card_path, read_card, versions, write_card
from temper.compatibility import check_compatibility
from temper.errors import MissingRuntime, UserError
from temper.formats import checked_card, format_of, load_runner
from temper.reference import write_golden
from temper.storage.atomic import sha256_of
from temper.system.environment import detect_environment
from temper.system.gpu import find_gpu
from temper.system.host import describe_host

GOLDEN_PICTURES = 16
REJECTED = ".rejected"
# Fields of the card that a builder knows; it returns those it has.
Facts = dict[str, Any]


class ConversionRejected(UserError):
    """A conversion that the gate refuses, and why; a caller may repair it."""

    def __init__(self, message: str, violations: list[str]) -> None:
        super().__init__(message)
        self.violations = violations


@dataclass(frozen=True)
class Step:
    """From one artifact to the next. `make` writes the target and returns what its card should say besides.

    recipe: all settings that decide the result; the same source and recipe are not made twice.
    """

    source: Path
    target: Path
    precision: Precision
    recipe: dict[str, Any]
    make: Callable[[Path, Path], Facts]


@dataclass(frozen=True)
class Pipeline:
    """What every step shares: the Keras model's held-out pictures, the limits, and where to say what is done."""

    pictures: Pictures
    limits: Limits
    force: bool
    say: Callable[[str], None]

    def run(self, step: Step) -> Card:
        """Make the target unless it is up to date; returns its card.

        Raises ConversionRejected when the gate refuses it: the file then lies beside the target as `….rejected`.
        """
        if self.is_current(step):
            self.say(f"{step.target.name}: up to date")
            return read_card(step.target)
        source = checked_card(step.source)
        started = time.perf_counter()
        self.say(f"{step.target.name}: making it from {step.source.name}")
        facts = step.make(step.source, step.target)
        card = self._draw_card(step, source, facts)
        took = {"build_seconds": f"{time.perf_counter() - started:.1f}"}
        card = dataclasses.replace(card, made_on={**took, **card.made_on})
        self.say(f"{step.target.name}: verifying")
        card, refused = self._verify(step, card)
        if refused:
            raise ConversionRejected(self._reject(step.target, card, refused), refused)
        write_card(step.target, card)
        self._forget_rejected(step.target)
        self.say(f"{step.target.name}: done in {time.perf_counter() - started:.0f} s")
        return read_card(step.target)

    def is_current(self, step: Step) -> bool:
        """True when the target exists, whole, of the same source and recipe, and within the limits."""
        if self.force or not card_path(step.target).exists():
            return False
        try:
            card, source = checked_card(step.target), checked_card(step.source)
        except UserError:
            return False
        found = agreement_of(card)
        same = card.made_from.get("sha256") == source.sha256 and card.recipe == step.recipe
        return (
            same
            and _runs_here(step.target, card)
            and (found is None or not violations(found, self.limits, card.precision))
        )

    def _draw_card(self, step: Step, source: Card, facts: Facts) -> Card:
        keras = self.pictures.card.sha256
        card = dataclasses.replace(
            source,
            precision=step.precision,
            sha256=sha256_of(*format_of(step.target).files(step.target)),
            made_from={"file": step.source.name, "sha256": source.sha256, "keras_sha256": keras},
            recipe=step.recipe,
            made_with=versions("temper", "keras", "tensorflow", "tf2onnx", "onnx", "onnxruntime", "openvino"),
            made_on=describe_host(),
            golden=source.golden or self._golden(),
            calibration=source.calibration if source.precision == step.precision else {},
            agreement={},
        )
        return dataclasses.replace(card, **facts)

    def _golden(self) -> dict[str, str]:
        """Store the pictures Keras is least sure of, which move first, and as many that their hashes chose."""
        examples, answers = self.pictures.held_out(), reference(self.pictures)
        ranked = np.sort(answers, axis=1)
        unsure = np.argsort(ranked[:, -1] - ranked[:, -2], kind="stable").tolist()
        anyone = sorted(range(len(examples)), key=lambda i: examples[i].sha256)
        half = GOLDEN_PICTURES // 2
        chosen = list(dict.fromkeys([*unsure[:half], *anyone]))[:GOLDEN_PICTURES]
        images = np.concatenate(list(self.pictures.batches([examples[i] for i in chosen])))
        model = self.pictures.model
        return write_golden(model.with_name(f"{model.stem}.golden.npz"), images, answers[chosen])

    def _verify(self, step: Step, card: Card) -> tuple[Card, list[str]]:
        examples = self.pictures.held_out()
        try:
            with load_runner(step.target, card) as runner:
                answers = self.pictures.answers(runner, examples)
        except MissingRuntime as missing:
            inherited = read_card(step.source).agreement
            return dataclasses.replace(card, agreement={**inherited, "not_run": missing.in_short}), []
        found = compare(reference(self.pictures), answers, examples, card.labels)
        card = dataclasses.replace(card, agreement=dataclasses.asdict(found))
        return card, violations(found, self.limits, card.precision)

    def _forget_rejected(self, target: Path) -> None:
        for file in format_of(target).files(target):
            file.with_name(file.name + REJECTED).unlink(missing_ok=True)
        card_path(target.with_name(target.name + REJECTED)).unlink(missing_ok=True)

    def _reject(self, target: Path, card: Card, refused: list[str]) -> str:
        aside = target.with_name(target.name + REJECTED)
        for file in format_of(target).files(target):
            file.replace(file.with_name(file.name + REJECTED))
        write_card(aside, card)
        return (
            f"{target.name} is refused: {'; '.join(refused)}. It is kept as {aside.name}, which nothing loads. Convert "
            "with another precision, give more calibration pictures, or allow more with --max-drop and --min-agreement."
        )


def _runs_here(artifact: Path, card: Card) -> bool:
    """False for a plan of another GPU or TensorRT, where this machine has a GPU to make one for."""
    is_plan = format_of(artifact).suffix == ".plan"
    return not is_plan or not find_gpu() or not check_compatibility(artifact, card, detect_environment())


def agreement_of(card: Card) -> Agreement | None:
    """The agreement a card records, or None when the artifact could not be run where it was made."""
    if not card.agreement or "not_run" in card.agreement:
        return None
    fields = dict(card.agreement)
    fields["flips"] = tuple(Flip(**each) for each in fields["flips"])
    return Agreement(**fields)
