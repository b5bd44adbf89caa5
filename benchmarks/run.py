"""Measure artifacts side by side on the same held-out pictures: speed, accuracy, agreement with Keras.

    python benchmarks/run.py                          every artifact in artifacts/
    python benchmarks/run.py artifacts/demo --seconds 4

Every row runs in a process of its own, one at a time, in rounds of random order. Writes report.json, report.md and
report.png beside the artifacts, and prints the table.
"""

import argparse
import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks.report import Report, as_json, as_markdown, table
from temper.door import enter


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "places", nargs="*", type=Path, default=[Path("artifacts")], help="artifacts, or folders of them"
    )
    parser.add_argument("--data", type=Path, help="where the model's pictures lie, if they have moved")
    parser.add_argument("--pictures", type=_positive, default=400, help="held-out pictures that are asked (400)")
    parser.add_argument("--seconds", type=float, default=8.0, help="timing of a row at each batch size (8)")
    parser.add_argument("--out", type=Path, help="folder of the report (that of the first artifact)")
    return parser.parse_args(words)


def main() -> int:
    """Measure and write the report."""
    options = parse()
    import numpy as np

    from benchmarks.measure import measure
    from benchmarks.plot import draw
    from benchmarks.report import make_line, plain_keras
    from benchmarks.rows import find_rows
    from temper.card import versions
    from temper.files import write_text
    from temper.images import load_images
    from temper.machine import describe_machine
    from temper.split import read_split

    rows = find_rows(options.places)
    card = rows[0].card
    examples = read_split(rows[0].artifact, card, "test", options.data)
    # Labels lie one after the other in the split; every n-th keeps their shares.
    examples = examples[:: max(1, -(-len(examples) // options.pictures))]
    images = np.stack(list(load_images((each.path for each in examples), card.size)))
    found = measure(rows, images, options.seconds, lambda line: print(line, flush=True))
    truth = np.array([card.labels.index(each.label) for each in examples])
    keras = plain_keras(found)
    names = [f"{each.label}/{each.path.name}" for each in examples]
    report = Report(
        title=f"Temper on {card.recipe.get('pictures') or Path(card.split['folder']).name}",
        pictures=len(examples),
        size=card.size,
        machine=describe_machine(),
        versions=versions("tensorflow", "keras", "onnxruntime", "openvino", "numpy", "pillow"),
        lines=tuple(make_line(each, truth, names, keras) for each in found),
    )
    out = options.out or rows[0].artifact.parent
    write_text(out / "report.json", as_json(report))
    write_text(out / "report.md", as_markdown(report))
    draw(report, out / "report.png")
    show(report, out)
    return 0


def show(report: Report, out: Path) -> None:
    """Print the table and where the report lies."""
    lines = table(report)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    print(f"\n{report.title}: {report.pictures} held-out pictures at {report.size} pixels\n")
    for line in lines:
        cells = [
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
    for each in report.lines:
        if each.skipped:
            print(f"{each.name}: {each.skipped}")
    print(f"\nlook at {out / 'report.md'}, {out / 'report.png'} and, for every sample, {out / 'report.json'}")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected 1 or more")
    return number


if __name__ == "__main__":
    enter(main)
