"""The parity ladder: Keras at the top, each conversion a rung, and the name of the first bad one."""

from dataclasses import dataclass
from pathlib import Path

from convert.pipeline import REJECTED, agreement_of
from convert.verification.accuracy_gate import Limits, violations
from convert.verification.parity import Agreement
from temper.card import card_path, read_card
from temper.errors import UserError

# The order in which conversions follow from each other.
RUNGS = (
    "fp32.savedmodel",
    "fp32.onnx",
    "fp32.xml",
    "fp32.plan",
    "fp16.onnx",
    "fp16.xml",
    "fp16.plan",
    "int8.onnx",
    "int8.xml",
    "int8.plan",
)
MOST_FLIPS_SHOWN = 5


@dataclass(frozen=True)
class Rung:
    """An artifact, how it agrees with Keras (None: not run here), and what the gate says against it."""

    name: str
    found: Agreement | None
    violations: tuple[str, ...]
    why_not_run: str = ""


def climb(model: Path, limits: Limits) -> list[Rung]:
    """The rungs that were made from a model, in order; a refused one is among them."""
    rungs = []
    for each in RUNGS:
        artifact = model.with_name(f"{model.stem}.{each}")
        for path in (artifact, artifact.with_name(artifact.name + REJECTED)):
            if path.exists() and card_path(path).exists():
                rungs.append(_rung(path, limits))
    return rungs


def first_bad(rungs: list[Rung]) -> Rung | None:
    """The first rung with an objection; those below inherit its fault."""
    return next((rung for rung in rungs if rung.violations), None)


def ladder_table(rungs: list[Rung]) -> list[str]:
    """Lines of text: a head, a line for each rung, the pictures that changed their label."""
    width = max([len(rung.name) for rung in rungs], default=0)
    lines = [f"{'':{width}}  top-1 %  agree %  max diff  mean diff  cosine   changed labels"]
    for rung in rungs:
        if rung.found is None:
            lines.append(f"{rung.name:{width}}  not run here: {rung.why_not_run}")
            continue
        found = rung.found
        flips = [f"{flip.file} ({flip.keras} → {flip.answer})" for flip in found.flips[:MOST_FLIPS_SHOWN]]
        flips += [f"and {len(found.flips) - len(flips)} more"] if len(found.flips) > len(flips) else []
        lines.append(
            f"{rung.name:{width}}  {100 * found.top1:7.2f}  {100 * found.agreement:7.2f}  {found.max_difference:8.4f}"
            f"  {found.mean_difference:9.5f}  {found.cosine:.4f}   {', '.join(flips)}"
        )
    return lines


def _rung(path: Path, limits: Limits) -> Rung:
    try:
        card = read_card(path)
    except UserError as error:
        return Rung(path.name, None, (), str(error))
    found = agreement_of(card)
    said = tuple(violations(found, limits, card.precision)) if found else ()
    return Rung(path.name, found, said, str(card.agreement.get("not_run", "never verified")))
