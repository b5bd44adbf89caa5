"""Everything the bench measures, on a tiny Keras model and its ONNX file."""

import json
from pathlib import Path
from typing import Any

import pytest

from temper.card import Card, read_card, write_card
from temper.storage.atomic import sha256_of
from tests.benchmarks.test_run import SCHEMA, bench, jsonschema
from tests.tiny import LABELS, SIZE

pytestmark = pytest.mark.tensorflow

MODES = ("tf.function", "predict", "predict_on_batch", "XLA")


@pytest.fixture(scope="module")
def record(made_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    import keras

    folder = tmp_path_factory.mktemp("artifacts")
    for name in ("model.fp32.onnx", "model.fp32.onnx.json", "model.split.csv"):
        (folder / name).write_bytes(made_bundle.with_name(name).read_bytes())
    pictures = keras.Input((SIZE, SIZE, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(pictures)
    x = keras.layers.Conv2D(8, 3, padding="same")(x)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(pictures, keras.layers.Dense(len(LABELS), activation="softmax")(x))
    artifact = folder / "model.keras"
    model.save(artifact)
    split = read_card(made_bundle).split
    write_card(
        artifact, Card(LABELS, SIZE, sha256=sha256_of(artifact), split=split, recipe={"pictures": "drawn sample"})
    )
    done = bench(folder, "--seconds", 0.3, "--scenario-seconds", 0.3, "--out", folder / "out", limit_seconds=300)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads((folder / "out" / "report.json").read_text(encoding="utf-8"))
    return {**found, "out": folder / "out"}


def test_keras_is_measured_in_each_way_its_users_call_it_and_named_for_it(record: dict[str, Any]) -> None:
    assert [line["name"] for line in record["lines"]] == [*(f"Keras {mode}" for mode in MODES), "model.fp32.onnx"]
    assert not any(line["skipped"] for line in record["lines"])
    assert record["reference"] == "Keras tf.function"
    assert all(line["accuracy"]["agreement"]["value"] == 1 for line in record["lines"][:4])


def test_the_record_follows_the_published_schema(record: dict[str, Any]) -> None:
    jsonschema.validate(
        {name: value for name, value in record.items() if name != "out"}, json.loads(SCHEMA.read_text(encoding="utf-8"))
    )


def test_figures_on_drawn_pictures_say_so(record: dict[str, Any]) -> None:
    assert record["title"] == "Temper on drawn sample"
    for suffix in ("md", "html"):
        assert "drawn sample" in (record["out"] / f"report.{suffix}").read_text(encoding="utf-8")


def test_every_row_is_compared_with_every_other_way_to_call_keras(record: dict[str, Any]) -> None:
    onnx = record["lines"][-1]
    compared = {(each["over"], each["batch"]) for each in onnx["speedups"]}
    assert compared == {(f"Keras {mode}", batch) for mode in MODES for batch in (None, 1, 8)}
    over_predict = next(s for s in onnx["speedups"] if (s["over"], s["batch"]) == ("Keras predict", None))
    assert over_predict["times"]["low"] > 5


def test_files_to_labels_are_measured_from_small_and_large_files_against_plain_keras(record: dict[str, Any]) -> None:
    plain = [each for line in record["lines"] for each in line["end_to_end"] if each["way"] == "plain"]
    assert {each["files"] for each in plain} == {"as they are", "12 megapixels"}
    assert all(each["speedup"]["value"] == 1 for each in plain)
    ours = {each["files"]: each for each in record["lines"][-1]["end_to_end"]}
    assert ours["12 megapixels"]["decode_ms"] > 5 * ours["as they are"]["decode_ms"]
    assert all(each["speedup"]["low"] > 1 for each in ours.values())
    assert all(each["top1"] >= 0.75 for each in ours.values())


def test_the_peak_of_the_same_run_bounds_what_a_network_reaches(record: dict[str, Any]) -> None:
    assert set(record["peaks_gops"]) == {"fp32", "int8"}
    assert all(0 < line["costs"]["share_of_peak"] < 1 for line in record["lines"])


def test_loadgen_ran_its_four_scenarios_and_its_logs_are_kept(record: dict[str, Any]) -> None:
    for line in record["lines"]:
        assert {each["name"] for each in line["scenarios"]} == {"SingleStream", "MultiStream", "Server", "Offline"}
        for each in line["scenarios"]:
            assert (record["out"] / each["logs"] / "mlperf_log_summary.txt").is_file()


def test_cold_start_and_memory_tell_keras_from_a_small_runtime(record: dict[str, Any]) -> None:
    keras, onnx = record["lines"][0]["costs"], record["lines"][-1]["costs"]
    assert keras["cold_starts_seconds"][0] > 3 * onnx["cold_starts_seconds"][0]
    assert keras["peak_mib"] > 1.5 * onnx["peak_mib"]
