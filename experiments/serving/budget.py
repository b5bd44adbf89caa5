"""Serve an artifact with its latency budget and without it, at several rates of requests that arrive at random.

    python benchmarks/run.py artifacts --p99-ms 20
    python experiments/serving/budget.py artifacts/model.int8.onnx

The rates are multiples of the one in the card. The first command writes it.
"""

import argparse
import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.serving.clients import Outcome, open_loop
from experiments.serving.load import statuses, target_of
from experiments.serving.running import PACKAGES, known_predictions, running_server
from experiments.support import make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table
from temper.errors import UsageError

FACTORS = (0.5, 0.8, 1.0, 2.0)
HEADINGS = (
    "of the card's rate", "requests/s", "budget", "predictions/s", "p50 ms", "p99 ms", "later than the limit, %",
    "responses", "wrong",
)  # fmt: skip


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "latency-budget.md")
    parser.add_argument("artifact", type=Path, help="an artifact whose card has a latency budget")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement (default: %(default)g)")
    parser.add_argument("--rounds", type=int, default=2, metavar="N", help="with other arrivals (default: %(default)s)")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Measure, and write the table."""
    from temper.card import read_card
    from temper.runners.base import best_batch

    card = read_card(options.artifact)
    if not (budget := card.latency_budget):
        raise UsageError(
            f"the card of {options.artifact} has no latency budget",
            fix=f"Measure it: python benchmarks/run.py {options.artifact} --p99-ms 20",
        )
    outcomes = measure(options, budget.images_per_second, best_batch(card))
    rows = [row_of(*key, each, budget.images_per_second, budget.limit_ms) for key, each in outcomes.items()]
    write_report(
        options.out,
        f"A server with and without a latency budget of {budget.limit_ms:g} ms",
        f"{options.artifact.name} ({budget.runtime}). The benchmark chose calls of at most {budget.max_batch} images "
        f"and {budget.images_per_second:.1f} images/s, with a p99 of {budget.p99_ms:.1f} ms in the runtime. Here "
        "`tritonclient.http` sends one image in each request, at random times (a Poisson process), and shares "
        "the cores of the machine with the server; the times are those of requests with a prediction, "
        f"with transfer. {options.rounds} rounds of {options.seconds:g} s. budget: whether the server uses it, or "
        f"`--max-batch {best_batch(card)}`.",
        Table(headings=HEADINGS, rows=rows, right=frozenset({0, 1, 3, 4, 5, 6, 8})),
        conclusion(outcomes, budget.limit_ms),
        f"`python experiments/serving/budget.py {options.artifact.name}` repeats the measurement.",
        packages=PACKAGES,
    )
    return 0


def measure(options: argparse.Namespace, per_second: float, max_batch: int) -> dict[tuple[float, bool], list[Outcome]]:
    """What became of the requests in each round, by multiple of the rate and whether the server uses the budget."""
    from temper.system.child_process import run_in_child

    images, known = run_in_child(known_predictions, options.artifact)
    outcomes: dict[tuple[float, bool], list[Outcome]] = {}
    with (
        running_server(options.artifact) as keeping,
        running_server(options.artifact, "--max-batch", str(max_batch)) as ignoring,
    ):
        servers = {True: keeping, False: ignoring}
        targets = {kind: target_of(each.address, each, images, known) for kind, each in servers.items()}
        for seed in range(options.rounds):
            for factor in FACTORS:
                for kind, target in targets.items():
                    rate = factor * per_second
                    outcome = run_in_child(open_loop, target, rate, options.seconds, seed)
                    outcomes.setdefault((factor, kind), []).append(outcome)
    return outcomes


def row_of(factor: float, keeps: bool, outcomes: list[Outcome], rate: float, limit_ms: float) -> tuple[str, ...]:
    """The row of a rate and a server; the requests of all rounds together."""
    together = _together(outcomes)
    late = sum(1000 * second > limit_ms for second in together.seconds)
    return (
        f"{factor:g}",
        f"{factor * rate:.1f}",
        "yes" if keeps else "no",
        *(f"{value:.1f}" for value in (together.per_second, together.percentile(50), together.percentile(99))),
        f"{100 * late / max(1, together.answered):.1f}",
        statuses(*outcomes),
        str(sum(each.wrong for each in outcomes)),
    )


def conclusion(outcomes: dict[tuple[float, bool], list[Outcome]], limit_ms: float) -> str:
    """Whether the server kept the limit, and what the budget changed at the highest rate."""
    p99 = {key: _together(each).percentile(99) for key, each in outcomes.items()}
    factors = [factor for factor, keeps in p99 if keeps]
    within_limit = sum(p99[factor, True] <= limit_ms for factor in factors)
    highest = max(factors)
    return (
        f"With the budget, the server kept the limit of {limit_ms:g} ms at {within_limit} of {len(factors)} rates. At "
        f"{highest:g} times the card's rate the p99 was {p99[highest, True]:,.1f} ms with it and "
        f"{p99[highest, False]:,.1f} ms without it."
    )


def _together(outcomes: list[Outcome]) -> Outcome:
    together = Outcome(seconds=[second for each in outcomes for second in each.seconds])
    together.elapsed = sum(each.elapsed for each in outcomes)
    return together


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
