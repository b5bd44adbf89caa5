"""Everything that the benchmark measures, on a tiny Keras model and its ONNX file."""

import shutil
from pathlib import Path

import pytest

from benchmarks.analysis.report import Report
from benchmarks.analysis.report_file import read_report
from temper.card import Card, read_card, write_card
from temper.storage.digest import sha256_of
from tests.benchmarks.test_run import start
from tests.tiny import LABELS, SIZE

# A minute: tests/benchmarks/test_benchmark.py measures the same without Keras, and tests/test_pipeline.py less with it.
pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

MODES = ("tf.function", "predict", "predict_on_batch", "XLA")


@pytest.fixture(scope="module")
def out(made_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the report."""
    import keras

    folder = tmp_path_factory.mktemp("artifacts")
    for name in ("model.fp32.onnx", "model.fp32.onnx.json", "model.split.csv"):
        shutil.copy(made_bundle.with_name(name), folder / name)
    images = keras.Input((SIZE, SIZE, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(images)
    x = keras.layers.Conv2D(8, 3, padding="same")(x)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(images, keras.layers.Dense(len(LABELS), activation="softmax")(x))
    path = folder / "model.keras"
    model.save(path)
    write_card(path, Card(labels=LABELS, size=SIZE, sha256=sha256_of(path), dataset=read_card(made_bundle).dataset))
    process = start(folder, "--seconds", 0.3, "--scenario-seconds", 0.3, "--out", folder / "out", limit_seconds=300)
    assert process.returncode == 0, process.stderr
    return folder / "out"


@pytest.fixture
def report(out: Path) -> Report:
    return read_report(out / "report.json")


def test_keras_is_measured_in_each_of_its_modes(report: Report) -> None:
    assert [case.name for case in report.cases] == [*(f"Keras {mode}" for mode in MODES), "model.fp32.onnx"]
    assert not any(case.skipped for case in report.cases)
    assert report.baseline == "Keras tf.function"
    assert all(case.accuracy and case.accuracy.agreement for case in report.cases)
    assert all(case.accuracy.agreement.value == 1 for case in report.cases[:4])  # type: ignore[union-attr]


def test_the_report_names_the_dataset(report: Report, out: Path) -> None:
    assert report.title == "Temper on tiny images"
    for suffix in ("md", "html"):
        assert "Temper on tiny images" in (out / f"report.{suffix}").read_text(encoding="utf-8")


def test_every_case_is_compared_with_every_other_mode_of_keras(report: Report) -> None:
    compared = {(each.baseline, each.batch) for each in report.cases[-1].speedups}
    assert compared == {(f"Keras {mode}", batch) for mode in MODES for batch in (None, 1, 8)}


def test_a_small_runtime_is_faster_than_keras_predict(report: Report) -> None:
    speedup = report.cases[-1].speedup("Keras predict")
    assert speedup and speedup.low > 1


def test_end_to_end_is_measured_from_small_and_large_files_against_the_tutorials_method(report: Report) -> None:
    tutorial = [each for case in report.cases for each in case.end_to_end if each.method == "one by one"]
    assert {each.files for each in tutorial} == {"original size", "12 megapixels"}
    assert all(each.speedup and each.speedup.value == 1 for each in tutorial)
    ours = {each.files: each for each in report.cases[-1].end_to_end}
    assert ours["12 megapixels"].decode_ms > ours["original size"].decode_ms
    assert all(each.speedup for each in ours.values())
    assert all(each.top1 >= 0.75 for each in ours.values())


def test_the_peak_of_the_same_run_bounds_what_a_network_reaches(report: Report) -> None:
    assert set(report.peak_gops) == {"fp32", "int8"}
    fractions = [case.costs.fraction_of_peak for case in report.cases]
    assert all(fraction is not None and 0 < fraction < 1 for fraction in fractions)


def test_loadgen_runs_each_artifact_in_the_mode_in_which_it_is_served(report: Report, out: Path) -> None:
    summaries = (out / "loadgen-summaries.txt").read_text(encoding="utf-8")
    assert not any(case.scenarios for case in report.cases[1:4])
    for case in (report.cases[0], report.cases[-1]):
        assert {each.name for each in case.scenarios} == {"SingleStream", "MultiStream", "Server", "Offline"}
        for each in case.scenarios:
            assert (out / each.logs / "mlperf_log_summary.txt").is_file()
            assert f"{each.logs}\n" in summaries


def test_cold_start_and_memory_of_keras_exceed_those_of_a_small_runtime(report: Report) -> None:
    keras, onnx = report.cases[0].costs, report.cases[-1].costs
    assert keras.cold_start_seconds[0] > onnx.cold_start_seconds[0]
    assert keras.peak_rss_mib and onnx.peak_rss_mib
    assert keras.peak_rss_mib > onnx.peak_rss_mib
