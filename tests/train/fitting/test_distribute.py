"""Training on several replicas ends like training on one."""

import csv
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from temper.errors import MissingRuntime, UsageError
from tests.train.images import fill

pytestmark = pytest.mark.tensorflow
ROOT = Path(__file__).parents[3]


def start(data: Path, out: Path, *more: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [
            sys.executable, "-m", "tests.train.tiny", "--backbone", "tiny", "--data", str(data), "--out", str(out),
            "--size", "32", "--batch", "8", *more,
        ],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **environment},
    )  # fmt: skip


def finish(*trainings: "subprocess.Popen[str]") -> None:
    try:
        for training in trainings:
            output, _ = training.communicate(timeout=240)
            assert training.returncode == 0, output
    finally:
        for training in trainings:
            training.kill()


def history(out: Path) -> dict[str, list[float]]:
    with out.with_name(f"{out.stem}.history.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# BatchNorm gets half a batch: runs are equal in fine-tuning only, where it is in inference mode.
FINE_TUNING = ("--fine-tune", "2", "--hidden-units", "0", "--dropout", "0", "--learning-rate", "0.01")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import keras

    from tests.train import tiny

    keras.utils.set_random_seed(0)
    path: Path = tmp_path_factory.mktemp("weights") / "tiny.weights.h5"
    tiny.build(include_top=False, weights=None).save_weights(path)
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("images"), 25)


@pytest.fixture(scope="module")
def single(data: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[float]]:
    out: Path = tmp_path_factory.mktemp("single") / "model.keras"
    finish(start(data, out, "--weights", str(weights), *FINE_TUNING))
    return history(out)


WAYS = pytest.mark.parametrize(
    "way", [("--weights", "none", "--epochs", "2"), FINE_TUNING], ids=["all layers", "fine-tuning"]
)


def test_a_keras_without_the_private_method_is_reported() -> None:
    from train.fitting.distribute import use_custom_train_step

    with pytest.raises(MissingRuntime, match=r"_maybe_symbolic_build.*without --distribute"):
        use_custom_train_step(SimpleNamespace(), None, ())


@pytest.mark.parametrize(
    ("version", "is_tested"), [("3.11.9", False), ("3.12.0", True), ("3.15.1", True), ("4.0", False)]
)
def test_a_version_of_keras_that_was_not_tested_is_a_warning(
    version: str, is_tested: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import keras

    from train.fitting.distribute import use_custom_train_step

    monkeypatch.setattr(keras, "__version__", version)
    with pytest.raises(MissingRuntime):
        use_custom_train_step(SimpleNamespace(), None, ())
    assert ("was tested with Keras 3.12 to 3.15, not with" in caplog.text) != is_tested


@pytest.mark.parametrize("value", ["", "{}", '{"cluster": {"worker": []}, "task": {"type": "worker", "index": 0}}'])
def test_an_incomplete_cluster_is_reported_with_an_example(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from train.fitting.distribute import open_strategy

    monkeypatch.setenv("TF_CONFIG", value)
    with pytest.raises(UsageError, match=r"TF_CONFIG=.*host1"):
        open_strategy("workers")


@pytest.mark.slow
@WAYS
def test_two_workers_on_loopback_train_like_one(
    way: tuple[str, ...], data: Path, weights: Path, single: dict[str, list[float]], tmp_path: Path
) -> None:
    hosts = [f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"]
    clusters = [
        json.dumps({"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}}) for index in (0, 1)
    ]
    outs = [tmp_path / str(index) / "model.keras" for index in (0, 1)]
    start_from = () if "--weights" in way else ("--weights", str(weights))
    finish(
        *(
            start(data, out, *start_from, *way, "--distribute", "workers", TF_CONFIG=config)
            for out, config in zip(outs, clusters, strict=True)
        )
    )
    assert not outs[1].exists()
    compare(history(outs[0]), way, single)


@pytest.mark.slow
@WAYS
def test_two_devices_of_one_machine_train_like_one(
    way: tuple[str, ...], data: Path, weights: Path, single: dict[str, list[float]], tmp_path: Path
) -> None:
    start_from = () if "--weights" in way else ("--weights", str(weights))
    out = tmp_path / "model.keras"
    finish(start(data, out, *start_from, *way, "--distribute", "mirrored", TEMPER_TEST_DEVICES="2"))
    compare(history(out), way, single)


def compare(result: dict[str, list[float]], way: tuple[str, ...], single: dict[str, list[float]]) -> None:
    if way is FINE_TUNING:
        for name, values in single.items():
            assert np.allclose(result[name], values, atol=2e-3), name
    else:
        assert len(result["loss"]) == 2
        assert np.isfinite(result["loss"]).all()
