"""Commands that check an artifact or this machine: doctor, selftest, inspect."""

import argparse
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from temper import formats
from temper.cli.console import add_verbosity_options
from temper.cli.text import percent, plural
from temper.errors import QualityError, UserError
from temper.escaping import visible
from temper.formats import Format, suffixes

if TYPE_CHECKING:
    from temper.artifact import Artifact
    from temper.card import Card
    from temper.system.environment import Environment

LOGGER = logging.getLogger("temper.cli")
# Labels that `inspect` shows.
MAX_LABELS = 20
# Command: (line in the list of commands, description).
TEXTS = {
    "selftest": (
        "run an artifact on its stored test images",
        "Run an artifact on the images that are stored beside it (model.golden.*.npz) and compare the probabilities "
        "with those of the Keras model. The exit code is 7 when they differ too much.",
    ),
    "doctor": (
        "check this machine, and whether an artifact runs on it",
        "Show this machine, and for each format whether its artifacts can run here. With an artifact, also check that "
        "its files are undamaged, fit this machine, and may be loaded (temper verify); the exit code is 5 when they do "
        "not fit. The artifact is not loaded.",
    ),
    "inspect": (
        "show what an artifact is",
        "Show the card of an artifact, after a check that its files are undamaged: labels, input, precision, accuracy "
        "and origin.",
    ),
}


def add_parsers(commands: Any) -> None:
    """Add the commands `selftest`, `doctor` and `inspect`."""
    for name, (line, description) in TEXTS.items():
        parser = commands.add_parser(name, help=line, description=description)
        parser.add_argument(
            "artifact",
            type=Path,
            nargs="?" if name == "doctor" else None,
            metavar="ARTIFACT",
            help=f"path of an artifact ({', '.join(suffixes())})",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        if name == "inspect":
            text = "also write images, and the pixels that must result, to test a client that decodes by itself"
            parser.add_argument("--client-images", type=Path, metavar="FOLDER", help=text)
        add_verbosity_options(parser)


def run_doctor(options: argparse.Namespace) -> int:
    """Print this machine; raise IncompatibleMachine when the artifact does not run here."""
    from temper.artifact import Artifact
    from temper.compatibility import check_compatibility
    from temper.system.environment import detect_environment, format_environment
    from temper.trust.policy import origin_of

    environment = detect_environment()
    problem: UserError | None = None
    origin = ""
    if options.artifact:
        artifact = Artifact.at(options.artifact).verified()
        problem, origin = check_compatibility(artifact, environment), str(origin_of(artifact))
        problem = problem or _refusal(artifact)
    if options.json:
        import msgspec

        report = {"environment": msgspec.to_builtins(environment, enc_hook=_plain), "problem": str(problem or "")}
        report |= {"origin": origin} if origin else {}
        if problem:
            problem.details = report
        else:
            print(json.dumps(report))
    else:
        print("\n".join([*format_environment(environment), *describe_formats(environment)]))
    if problem:
        raise problem
    if options.artifact and not options.json:
        print(f"{options.artifact.name}: undamaged, compatible with this machine, origin: {origin}")
    return 0


def _refusal(artifact: "Artifact") -> UserError | None:
    from temper.trust.policy import authenticate

    try:
        authenticate(artifact)
    except UserError as error:
        return error
    return None


def describe_formats(environment: "Environment") -> list[str]:
    """One line for each format: whether its artifacts can run in an environment, and what is missing."""
    return [f"{each.title} ({each.suffix}): {_state_of(each, environment)}" for each in formats.FORMATS]


def run_selftest(options: argparse.Namespace) -> int:
    """Print how far predictions differ from the model's; raise QualityError when they differ too much."""
    from temper.artifact import Artifact
    from temper.card import reference_title
    from temper.runners.load import open_runner
    from temper.runners.self_test import self_test

    with open_runner(Artifact.at(options.artifact)) as runner:
        result, reference = self_test(runner), reference_title(runner.card.adopted)
    summary = (
        f"{options.artifact.name} predicts the label of {reference} for {result.images - result.label_changes} of "
        f"{result.images} images"
        + (f" ({result.unexpected_changes} change that did not at the conversion)" if result.unexpected_changes else "")
        + f". Probabilities differ by at most {result.max_difference:.4f}; the limit is {result.tolerance:.4f}"
    )
    fields = ("images", "max_difference", "tolerance", "label_changes", "unexpected_changes", "passed")
    report = {name: getattr(result, name) for name in fields}
    if not result.passed:
        error = QualityError(
            f"self-test failed: {summary}. This runtime does not predict what was verified",
            fix="Convert again on this machine.",
        )
        error.details = report
        raise error
    print(json.dumps(report) if options.json else f"self-test passed: {summary}")
    return 0


def run_inspect(options: argparse.Namespace) -> int:
    """Print the card as JSON, or its main fields as text."""
    from temper.artifact import Artifact
    from temper.card.files import card_text
    from temper.trust.policy import origin_of

    artifact = Artifact.at(options.artifact).verified()
    card = artifact.card
    if options.client_images:
        _write_client_images(options.client_images, card)
    if options.json:
        print(card_text(card), end="")
        return 0
    source = card.provenance.source
    more = f", … ({len(card.labels)} in all)" if len(card.labels) > MAX_LABELS else ""
    lines = {
        "artifact": f"{artifact.path} ({artifact.bytes / 1e6:.1f} MB)",
        "runtime": artifact.format.title,
        "precision": card.precision,
        "labels": ", ".join(card.labels[:MAX_LABELS]) + more,
        "input": f"uint8 RGB [n, {card.size}, {card.size}, 3]",
        "batch": f"{card.batch.min} to {card.batch.max}, best {card.batch.best}" if card.batch else "any",
        "origin": f"converted from {source.file}" if source else _origin(card),
        "trust": str(origin_of(artifact)),
        "made with": f"Temper {card.provenance.temper or '0.1'} {card.provenance.commit}".rstrip(),
        "accuracy": _accuracy(card),
        "latency": _latency(card),
        "not measured": card.not_run,
        "sha256": card.sha256,
    }
    print("\n".join(visible(f"{name:15}{value}") for name, value in lines.items() if value))
    return 0


def _write_client_images(folder: Path, card: "Card") -> None:
    import msgspec

    from temper.infer.client_images import write_client_images

    made = write_client_images(folder, card.size, msgspec.to_builtins(card.preprocessing))
    LOGGER.info("%s: %s with the pixels that must result", folder, plural(len(made), "image"))


def _accuracy(card: "Card") -> str:
    from temper.card import reference_title

    if agreement := card.measured_agreement:
        equal = f"{percent(agreement.agreement)} of labels as {reference_title(card.adopted)}"
        return f"{percent(agreement.top1)} top-1 on {agreement.images} held-out images, {equal}"
    if card.training:
        result = card.training.result
        return f"{percent(result.accuracy)} top-1 on {result.images} held-out images"
    if card.adopted:
        return f"{percent(card.adopted.accuracy)} top-1 on {card.adopted.images} held-out images"
    return ""


def _latency(card: "Card") -> str:
    if not (budget := card.latency_budget):
        return ""
    return (
        f"p99 within {budget.limit_ms:g} ms up to {budget.images_per_second:g} images/s, up to {budget.max_batch} in a "
        f"call ({budget.runtime}, {budget.processor or budget.device})"
    )


def _origin(card: "Card") -> str:
    adopted = card.adopted
    if not adopted:
        return "trained, not converted"
    return (
        f"adopted from {adopted.original} ({adopted.preprocessing}, {adopted.layout} {adopted.dtype}, {adopted.output})"
    )


def _state_of(chosen: Format, environment: "Environment") -> str:
    from temper.compatibility import install_command, is_plan, too_new_for_driver
    from temper.system.environment import CUDA_BINDINGS

    if chosen.needs_gpu and not environment.gpu:
        return "needs an NVIDIA GPU"
    missing, install = chosen.missing(environment.modules), chosen.install
    if is_plan(chosen):
        missing = [] if environment.tensorrt else ["tensorrt"]
        missing += ["CUDA's Python bindings"] if environment.modules.isdisjoint(CUDA_BINDINGS) else []
        install = install_command("tensorrt", environment)
        for module in environment.tensorrt:
            if problem := too_new_for_driver(module, environment):
                return problem.what
    return f"missing {' and '.join(missing)}: {install}" if missing else "runs"


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, (set, frozenset)) else str(value)
