"""Classify pictures with any artifact: its suffix says what runs it.

    python infer/run.py --engine artifacts/model.int8.onnx cat.jpg
    python infer/run.py --engine artifacts/model.int8.plan photos/ 'more/*.png' --top 3 --json
    python infer/run.py --engine artifacts/model.int8.plan --selftest
    python infer/run.py --engine artifacts/model.int8.plan --doctor

A picture that cannot be read is reported, the rest go on, and the exit code is 1.
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterable
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from temper.cli.entry_point import enter
from temper.errors import UserError
from temper.infer.classify import Answer, classify

HEAD = ("file", "rank", "label", "probability", "problem")


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    from temper.formats import SUFFIXES

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", type=Path, help=f"an artifact: {', '.join(SUFFIXES)}")
    parser.add_argument("pictures", nargs="*", help="files, folders, quoted patterns")
    parser.add_argument("--top", type=int, default=1, metavar="K", help="labels to a picture (1)")
    parser.add_argument("--unknown", action="store_true", help="tell answers less probable than the card's threshold")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object a line")
    form.add_argument("--csv", action="store_true", help="a table with a head: file, rank, label, probability, problem")
    form.add_argument("--selftest", action="store_true", help="compare with the Keras model's golden answers, and stop")
    form.add_argument("--doctor", action="store_true", help="say what is here, whether the artifact runs, and stop")
    options = parser.parse_args(words)
    if options.top < 1:
        parser.error("--top: expected 1 or more")
    if not options.engine and not options.doctor:
        parser.error("--engine: name an artifact")
    if not options.pictures and not options.selftest and not options.doctor:
        parser.error("name pictures: files, folders or quoted patterns")
    return options


def main() -> int:
    """Classify, or test the artifact; 1 when a picture could not be read, a test failed or the artifact cannot run."""
    options = parse()
    from temper.formats import open_runner
    from temper.infer.sources import find_pictures

    if options.doctor:
        return _examine(options.engine)
    if options.selftest:
        return _self_test(options.engine)
    files = find_pictures(options.pictures)
    with open_runner(options.engine) as runner:
        form = "json" if options.json else "csv" if options.csv else "text"
        below = runner.card.confidence_threshold if options.unknown else None
        if options.unknown and below is None:
            raise UserError(
                f"{options.engine} has no threshold for --unknown on its card: it was trained before there was one. "
                "Train and convert again, or leave --unknown out."
            )
        return show(classify(runner, files, options.top), form, below)


def show(answers: Iterable[Answer], form: str, confidence_threshold: float | None = None) -> int:
    """Print answers as they come; 1 when a picture could not be read.

    confidence_threshold: what is less probable is told to be unknown; None tells of nothing.
    """
    unreadable = False
    table = csv.writer(sys.stdout, lineterminator="\n")
    if form == "csv":
        table.writerow([*HEAD, *([] if confidence_threshold is None else ["unknown"])])
    for answer in answers:
        if answer.problem:
            unreadable = True
            sys.stdout.flush()
            print(f"error: {answer.problem}", file=sys.stderr)
        unknown = None if confidence_threshold is None else answer.is_unknown(confidence_threshold)
        if form == "json":
            print(json.dumps(_fields(answer, unknown), ensure_ascii=False))
        elif form == "csv":
            table.writerows([*row, *([] if unknown is None else ["yes" if unknown else "no"])] for row in _rows(answer))
        elif not answer.problem:
            said = ", ".join(f"{each.label} {100 * each.probability:.1f} %" for each in answer.predictions)
            print(f"{answer.file}: {'unknown, ' if unknown else ''}{said} ({answer.milliseconds:.1f} ms)")
    return 1 if unreadable else 0


def _fields(answer: Answer, unknown: bool | None) -> dict[str, object]:
    if answer.problem:
        return {"file": str(answer.file), "problem": answer.problem}
    predictions = [{"label": each.label, "probability": each.probability} for each in answer.predictions]
    told = {} if unknown is None else {"unknown": unknown}
    return {"file": str(answer.file), "predictions": predictions, **told, "milliseconds": round(answer.milliseconds, 3)}


def _rows(answer: Answer) -> list[list[object]]:
    if answer.problem:
        return [[answer.file, "", "", "", answer.problem]]
    return [
        [answer.file, rank, each.label, f"{each.probability:.6f}", ""]
        for rank, each in enumerate(answer.predictions, start=1)
    ]


def _self_test(engine: Path) -> int:
    from temper.formats import open_runner
    from temper.reference import self_test

    with open_runner(engine) as runner:
        result = self_test(runner)
    said = (
        f"{engine.name}: largest difference from Keras {result.largest_difference:.4f} on {result.pictures} pictures, "
        f"{result.tolerance:.4f} tolerated; {result.flipped} changed labels"
    )
    if not result.passed:
        raise UserError(
            f"self-test failed: {said}. This runtime gives other answers than the one that was verified: "
            "convert again on this machine with `make convert`."
        )
    print(f"self-test passed: {said}")
    return 0


def _examine(engine: Path | None) -> int:
    from temper.compatibility import check_compatibility
    from temper.formats import checked_card
    from temper.system.environment import describe, detect_environment

    here = detect_environment()
    print("\n".join(describe(here)))
    if not engine:
        return 0
    if problem := check_compatibility(engine, checked_card(engine), here):
        raise UserError(problem)
    print(f"{engine.name}: whole, and made for a machine like this")
    return 0


if __name__ == "__main__":
    enter(main)
