import json
from pathlib import Path

import msgspec
import pytest

from choose.measure import MeasurementSettings
from choose.options import Network
from choose.records import ChoiceReport, Failure, Measurement
from choose.report import as_markdown, decide, stored_measurement, write_files
from choose.rule import Limits
from temper.artifact import Artifact
from temper.card import Card
from tests.choose.sample_choices import measurement, report, several

SETTINGS = MeasurementSettings(seconds=4.0, max_images=1000, data=Path("photos"))
ARTIFACTS = [
    (
        Network(backbone="small", size=224, weights="imagenet", folder=Path("small-224")),
        Artifact.with_card(Path("small-224/model.int8.xml"), Card(labels=("a", "b"), size=224, sha256="0" * 64)),
    )
]


def stored(folder: Path, made: Measurement) -> Measurement | None:
    write_files(decide(made, [], Limits(), ""), folder)
    return stored_measurement(folder, ARTIFACTS, SETTINGS)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    from choose.measure import key_of

    return key_of(ARTIFACTS, SETTINGS)


def test_the_measurement_of_the_same_artifacts_is_used_again(tmp_path: Path, key: str) -> None:
    made = msgspec.structs.replace(measurement(*several()), key=key)
    assert stored(tmp_path, made) == made


def test_other_artifacts_settings_or_a_busy_machine_are_measured_again(tmp_path: Path, key: str) -> None:
    assert stored_measurement(tmp_path, ARTIFACTS, SETTINGS) is None
    assert stored(tmp_path, measurement(*several())) is None
    busy = msgspec.structs.replace(measurement(*several(), control=1.05), key=key)
    assert stored(tmp_path, busy) is None
    stored(tmp_path, msgspec.structs.replace(busy, control=measurement().control))
    longer = MeasurementSettings(seconds=8.0, max_images=1000, data=Path("photos"))
    assert stored_measurement(tmp_path, ARTIFACTS, longer) is None
    (tmp_path / "choice.json").write_text("{}")
    assert stored_measurement(tmp_path, ARTIFACTS, SETTINGS) is None


def test_other_limits_choose_anew_from_the_same_measurement() -> None:
    made = measurement(*several())
    assert decide(made, [], Limits(), "").chosen == "small-224 int8.xml"
    assert decide(made, [], Limits(max_loss=0), "").chosen == "resnet50-224 fp32.xml"
    assert decide(made, [], Limits(max_ms=0.1), "").chosen == ""


def test_the_files_are_a_page_a_plot_and_all_figures(tmp_path: Path) -> None:
    made = report(*several(), failures=(Failure(name="big-224", reason="no weights | none"),))
    write_files(made, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"report.md", "choice.json", "pareto.png"}
    assert msgspec.json.decode((tmp_path / "choice.json").read_bytes(), type=ChoiceReport) == made
    assert json.loads((tmp_path / "choice.json").read_text())["chosen"] == "small-224 int8.xml"


def test_the_page_has_the_choice_the_table_what_failed_the_method_and_the_machine() -> None:
    text = as_markdown(report(*several(), failures=(Failure(name="big-224", reason="no weights"),)))
    assert text.startswith("# Networks for tiny images\n\nsmall at 224 pixels, int8 (model.int8.xml): use it.")
    for part in (
        "| small-224 int8.xml | 96.5 | 95.0 [93.0, 97.0] |",
        "| big-224 | no weights |",
        "](pareto.png)",
        "200 validation and 400 test images",
        "* processor: some processor",
        "* load before: 0.10",
        "* A/A control: resnet50-224 int8.xml against itself is 1.003",
    ):
        assert part in text
