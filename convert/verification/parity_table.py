"""The parity report: every artifact that was converted from a model, compared with it, in the order of conversion."""

from dataclasses import dataclass
from pathlib import Path

from convert.targets import REJECTED
from convert.verification.accuracy_gate import GateLimits, violations
from temper.artifact import Artifact
from temper.card import PRECISIONS, Agreement, Card, Precision, card_path, read_card
from temper.cli.tables import Table
from temper.errors import ArtifactError
from temper.formats import FORMATS, Format, format_of

MAX_FLIPS_SHOWN = 5
HEADINGS = ("artifact", "top-1 %", "agreement %", "max diff", "mean diff", "cosine", "changed labels")


@dataclass(frozen=True, kw_only=True)
class ParityRow:
    """An artifact, how it agrees with the model (None: not measured), and the limits that it violates."""

    name: str
    agreement: Agreement | None
    violations: tuple[str, ...] = ()
    not_run: str = ""


def collect(model: Artifact, limits: GateLimits) -> list[ParityRow]:
    """Every artifact in the model's folder that was converted from it, rejected ones included, in conversion order."""
    rows = []
    for path in model.path.parent.iterdir():
        chosen = format_of(path.name.removesuffix(REJECTED))
        if chosen is None or not chosen.conversions or not card_path(path).exists():
            continue
        try:
            card = read_card(path)
        except ArtifactError as error:
            rows.append((_order(chosen, "fp32", path), ParityRow(name=path.name, agreement=None, not_run=error.what)))
            continue
        if card.provenance.model_sha256 == model.card.sha256:
            rows.append((_order(chosen, card.precision, path), _row(path, card, limits)))
    return [row for _, row in sorted(rows, key=lambda pair: pair[0])]


def first_failing(rows: list[ParityRow]) -> ParityRow | None:
    """The first row that violates a limit; later ones may inherit its error."""
    return next((row for row in rows if row.violations), None)


def parity_table(rows: list[ParityRow]) -> Table:
    """The rows as a table."""
    return Table(headings=HEADINGS, rows=[_cells(row) for row in rows], right=frozenset(range(1, 6)))


def _order(chosen: Format, precision: Precision, path: Path) -> tuple[int, int, str]:
    return PRECISIONS.index(precision), FORMATS.index(chosen), path.name


def _row(path: Path, card: Card, limits: GateLimits) -> ParityRow:
    agreement = card.measured_agreement
    violated = tuple(violations(agreement, limits, card.precision)) if agreement else ()
    return ParityRow(
        name=path.name, agreement=agreement, violations=violated, not_run=card.not_run or "no reason is recorded"
    )


def _cells(row: ParityRow) -> list[str]:
    agreement = row.agreement
    if agreement is None:
        return [row.name, "", "", "", "", "", f"not measured: {row.not_run}"]
    flips = [f"{flip.file} ({flip.keras} → {flip.predicted})" for flip in agreement.flips[:MAX_FLIPS_SHOWN]]
    rest = len(agreement.flips) - len(flips)
    return [
        row.name,
        f"{100 * agreement.top1:.2f}",
        f"{100 * agreement.agreement:.2f}",
        f"{agreement.max_difference:.4f}",
        f"{agreement.mean_difference:.5f}",
        f"{agreement.cosine:.4f}",
        ", ".join([*flips, *([f"and {rest} more"] if rest else [])]),
    ]
