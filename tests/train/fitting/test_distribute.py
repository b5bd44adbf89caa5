"""Training shared out among replicas ends like training alone."""

import csv
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.train.dataset.test_split import fill

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]
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
            told, _ = training.communicate(timeout=240)
            assert training.returncode == 0, told
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


# BatchNorm sees half a batch, so that only without it (fine-tuning, where it is in inference mode) runs are alike.
FINE = ("--fine-tune", "2", "--dense", "0", "--dropout", "0", "--learning-rate", "0.01")


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
    return fill(tmp_path_factory.mktemp("pictures"), 25)


@pytest.fixture(scope="module")
def alone(data: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[float]]:
    out: Path = tmp_path_factory.mktemp("alone") / "model.keras"
    finish(start(data, out, "--weights", str(weights), *FINE))
    return history(out)


HOW = pytest.mark.parametrize("how", [("--weights", "none", "--epochs", "2"), FINE], ids=["all layers", "fine-tuning"])


@HOW
def test_two_workers_on_loopback_train(
    how: tuple[str, ...], data: Path, weights: Path, alone: dict[str, list[float]], tmp_path: Path
) -> None:
    hosts = [f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"]
    told = [json.dumps({"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}}) for index in (0, 1)]
    outs = [tmp_path / str(index) / "model.keras" for index in (0, 1)]
    start_from = () if "--weights" in how else ("--weights", str(weights))
    finish(
        *(
            start(data, out, *start_from, *how, "--distribute", "workers", TF_CONFIG=config)
            for out, config in zip(outs, told, strict=True)
        )
    )
    assert not outs[1].exists()
    compare(history(outs[0]), how, alone)


@HOW
def test_two_devices_of_one_machine_train(
    how: tuple[str, ...], data: Path, weights: Path, alone: dict[str, list[float]], tmp_path: Path
) -> None:
    start_from = () if "--weights" in how else ("--weights", str(weights))
    out = tmp_path / "model.keras"
    finish(start(data, out, *start_from, *how, "--distribute", "mirrored", TEMPER_TEST_DEVICES="2"))
    compare(history(out), how, alone)


def compare(found: dict[str, list[float]], how: tuple[str, ...], alone: dict[str, list[float]]) -> None:
    if how is FINE:
        for name, values in alone.items():
            assert np.allclose(found[name], values, atol=2e-3), name
    else:
        assert len(found["loss"]) == 2
        assert np.isfinite(found["loss"]).all()
