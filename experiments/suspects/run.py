"""Plant wrong labels in photos, and report how many of them training lists; then what it lists without planted ones.

    python experiments/suspects/run.py --photos photos --weights resnet50-notop.weights.h5

The features are computed once, by train/. experiments/suspects/looked_at.csv has verdicts on listed images, given by
looking at each; --sheet draws those that are listed without planted labels.
"""

import argparse
import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.support import make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table
from temper.cli.text import percent, plural

if TYPE_CHECKING:
    from train.evaluation.confident_learning import Features
    from train.evaluation.suspect_labels import SuspectLabels
    from train.fitting.training_data import TrainingData

LOOKED_AT = Path(__file__).with_name("looked_at.csv")
HEADINGS = (
    "heads on", "seed", "planted", "listed", "planted and listed", "precision", "recall",
    "planted among as many with the smallest margin", "processor seconds",
)  # fmt: skip


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "suspects.md")
    add = parser.add_argument
    add("--photos", type=Path, required=True, metavar="FOLDER", help="labeled images, as for train/run.py")
    add("--weights", default="imagenet", metavar="WEIGHTS", help="of the backbone, as for train/run.py")
    add("--backbone", default="resnet50", metavar="NAME", help="as for train/run.py (default: %(default)s)")
    add("--size", type=int, default=160, metavar="PIXELS", help="height and width of the images (default: %(default)s)")
    add("--fraction", type=float, default=0.05, help="of the labels that are replaced (default: %(default)s)")
    add("--seeds", type=int, default=5, metavar="N", help="repetitions with other labels (default: %(default)s)")
    add("--cost-images", type=int, nargs="*", default=[1000, 10_000], metavar="N", help="images of the table of costs")
    add("--cost-labels", type=int, nargs="*", default=[2, 100], metavar="N", help="labels of the table of costs")
    add("--work", type=Path, default=Path("artifacts/suspects"), metavar="FOLDER", help="features (%(default)s)")
    add("--sheet", type=Path, metavar="FILE", help="a PNG file of what is listed without planted labels")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Measure, and write the tables."""
    from experiments.suspects import cost
    from experiments.suspects.features import dataset_features
    from temper.cli.progress import ProgressDisplay
    from train.evaluation.charts import draw_suspects
    from train.evaluation.suspect_labels import find_suspects

    with ProgressDisplay() as progress:
        data, features = dataset_features(options, progress)
    rows, untouched = plant_and_search(options, data, features), find_suspects(data, features)
    costs = list(cost.cost_rows(options.cost_images, options.cost_labels, options.fraction))
    if options.sheet:
        draw_suspects(options.sheet, untouched, options.photos.name)
    write_report(
        options.out,
        "Wrong labels that training lists",
        describe(options, data),
        Table(headings=HEADINGS, rows=rows, right=frozenset(range(1, len(HEADINGS)))),
        *untouched_sections(untouched, options.photos),
        f"The same search on drawn features; {percent(options.fraction)} of the labels were replaced.",
        Table(headings=cost.HEADINGS, rows=costs, right=frozenset(range(len(cost.HEADINGS)))),
        packages=("numpy", "scipy", "keras", "tensorflow"),
    )
    return 0


def plant_and_search(options: argparse.Namespace, data: "TrainingData", features: "Features") -> list[tuple[str, ...]]:
    """A row for each seed, first with compressed features, then with all; each kind ends with its sum."""
    import numpy as np

    from experiments.suspects.planted import cells_of, recover
    from train.evaluation.confident_learning import MAX_DIMENSIONS

    truth = np.array([data.labels.index(each.label) for each in data.examples])
    groups = [each.sha256 for each in data.examples]
    kinds = {f"{MAX_DIMENSIONS} dimensions, as in training": True, f"all {features.shape[1]:,} features": False}
    rows = []
    for name, is_compressed in kinds.items():
        results = [
            recover(features, truth, groups, options.fraction, seed, is_compressed) for seed in range(options.seeds)
        ]
        rows += [cells_of(name, f"{seed}", [each]) for seed, each in enumerate(results)]
        rows.append(cells_of(f"**{name}**", "all", results))
    return rows


def describe(options: argparse.Namespace, data: "TrainingData") -> str:
    """How it was measured."""
    return (
        f"{plural(len(data.examples), 'photo')} of {plural(len(data.labels), 'label')}, {options.backbone} at "
        f"{options.size} px, frozen ({Path(options.weights).name}). {percent(options.fraction)} of the labels were "
        "replaced by another label. No head saw the image whose label it examines. The backbone did if the photos "
        "were among those that its weights were trained on: the figures are then better than they would be on new "
        "photos. Labels that were wrong before count as correct ones. Seconds are those of the processor for one "
        "search, on features that were computed before. "
        "`python experiments/suspects/run.py --photos PHOTOS --weights FILE` repeats the measurement."
    )


def untouched_sections(untouched: "SuspectLabels", folder: Path) -> list[str | Table]:
    """What is listed without planted labels, with the verdicts on the images."""
    with LOOKED_AT.open(encoding="utf-8", newline="") as stream:
        verdicts = {row["path"]: row["verdict"] for row in csv.DictReader(stream)}
    rows = []
    for each in untouched.suspects:
        path = each.path.relative_to(folder).as_posix()
        probabilities = (percent(each.label_probability), percent(each.looks_like_probability))
        rows.append((path, each.label, each.looks_like, *probabilities, verdicts.get(path, "not looked at")))
    kinds = [row[-1].partition(":")[0] for row in rows]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(sorted(kinds)))
    headings = ("photo", "label", "looks like", "probability of the label", "of the other", "label, looked at")
    return [
        f"Without planted labels, {len(rows)} of {plural(untouched.n_images, 'photo')} are listed: {counts or 'none'}.",
        Table(headings=headings, rows=rows, right=frozenset({3, 4})),
    ]


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
