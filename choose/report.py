"""The report: made, written and read again."""

from pathlib import Path

import msgspec

from choose.measure import Artifacts, MeasurementSettings, key_of
from choose.records import SCHEMA, ChoiceReport, Failure, Measurement
from choose.rendering.plot import pareto_figure
from choose.rendering.tables import failure_table, main_table
from choose.rendering.words import choice_sentences
from choose.rule import Limits, choose_artifact, pareto_front
from pages.figures import png
from temper.storage.atomic import atomic_write, write_text

JSON, MARKDOWN, PLOT = "choice.json", "report.md", "pareto.png"
METHOD = (
    "Every network is a linear head (L-BFGS) on the features of a frozen backbone, all with the same split. Every "
    "conversion passed the accuracy gate, which compares it with its own Keras model. All artifacts run in warm "
    "processes of their own; one at a time is measured, in rounds of random order. The rule decides on validation "
    "images, on which no weight was fitted. Test images decide nothing about the choice: what the report says of them "
    "is what new images of this kind may be expected to show. Brackets contain 95 % intervals: by a bootstrap over "
    "rounds for ratios, Wilson's for accuracies, and Agresti and Min's for differences, which are paired by image."
)


def decide(measurement: Measurement, failures: list[Failure], limits: Limits, command: str) -> ChoiceReport:
    """Apply the rule to a measurement. command: the command line, for the report."""
    chosen = choose_artifact(measurement.artifacts, limits)
    return ChoiceReport(
        measurement=measurement,
        failures=tuple(failures),
        limits=limits,
        chosen=chosen.name if chosen else "",
        front=tuple(each.name for each in pareto_front(measurement.artifacts)),
        command=command,
        schema=SCHEMA,
    )


def write_files(report: ChoiceReport, folder: Path) -> None:
    """Write report.md, choice.json and pareto.png."""
    write_text(folder / JSON, msgspec.json.format(msgspec.json.encode(report), indent=1).decode() + "\n")
    write_text(folder / MARKDOWN, as_markdown(report))
    with atomic_write(folder / PLOT) as path:
        path.write_bytes(png(pareto_figure(report)))


def stored_measurement(folder: Path, artifacts: Artifacts, settings: MeasurementSettings) -> Measurement | None:
    """The last measurement, if a new one would be of the same and the machine was not too busy."""
    try:
        report = msgspec.json.decode((folder / JSON).read_bytes(), type=ChoiceReport)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    measurement = report.measurement
    is_sound = measurement.control is not None and measurement.control.passed
    return measurement if is_sound and measurement.key == key_of(artifacts, settings) else None


def as_markdown(report: ChoiceReport) -> str:
    """The report as Markdown."""
    measurement, failed = report.measurement, failure_table(report)
    parts = [
        f"# Networks for {measurement.dataset}",
        *choice_sentences(report),
        main_table(report).markdown(),
        *([failed.markdown()] if failed.rows else []),
        f"![Accuracy on validation images against latency, with the Pareto front]({PLOT})",
        "## Method",
        f"{METHOD} {measurement.validation_images} validation and {measurement.test_images} test images.",
        "## Machine and versions",
        "\n".join(f"* {name}: {value}" for name, value in facts(report).items()),
    ]
    return "\n\n".join(parts) + "\n"


def facts(report: ChoiceReport) -> dict[str, str]:
    """Machine, conditions, versions and origin, by name."""
    measurement = report.measurement
    host, control = measurement.host, measurement.control
    return {
        "processor": host.processor,
        "cores": str(host.cores),
        "memory": f"{host.memory_gib} GiB",
        "system": host.system,
        "A/A control": f"{control.case} against itself is {control.ratio.text(3)}" if control else "none",
        **{
            f"{name.replace('_', ' ')} {phase}": value
            for phase, values in measurement.conditions.items()
            for name, value in values.items()
        },
        **measurement.versions,
        "seconds": f"{measurement.seconds:g}",
        "created": measurement.created,
        "command": report.command,
    }
