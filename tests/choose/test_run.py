"""The command: on networks that are finished, without TensorFlow; interrupted; and once with everything."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from choose import prepare
from choose.run import parse, run
from temper.errors import DataError, ResourceError, UsageError, UserError
from temper.exit_codes import ExitCode
from tests import tiny
from tests.choose.networks import BACKBONE, draw_dataset, make_network
from tests.choose.test_prepare import refuse_training
from tests.choose.tiny_training import train_tiny
from tests.processes import has_ended
from tests.source import ROOT


def words(folder: Path, *more: str) -> list[str]:
    return [
        "--data", str(folder / "images"), "--backbones", BACKBONE, "--sizes", "32", "48", "--held-out-fraction", "0.4",
        "--out", str(folder / "out"), "--seconds", "0.1", "--precisions", "fp32", *more,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images, and the networks of two sizes with their fp32 ONNX artifacts; model.fp32.xml is missing."""
    folder = tmp_path_factory.mktemp("finished")
    training = draw_dataset(folder / "images")
    for size in (32, 48):
        make_network(folder / "out", size, training)
    return folder


def command(*arguments: str) -> list[str]:
    return [sys.executable, "choose/run.py", *arguments]


@pytest.mark.programs
def test_ctrl_c_ends_a_conversion_and_the_same_command_goes_on_to_the_choice(finished: Path) -> None:
    arguments = command(*words(finished, "--max-loss", "100"))
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True) as process:
        assert process.stderr
        assert any("converting to model.fp32.xml" in line for line in process.stderr)
        os.killpg(process.pid, signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == ExitCode.INTERRUPTED
    assert rest.splitlines()[-1].startswith("stopped.")
    assert "Traceback" not in rest
    assert has_ended(process.pid)
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == ExitCode.OK, done.stderr
    assert done.stderr.count("is trained") == 2
    # Tiny networks on a busy machine: the A/A control may fail, and nothing is recommended then.
    assert "pixels, fp32 (model.fp32." in done.stdout and "artifact: " in done.stdout
    assert {"report.md", "choice.json", "pareto.png"} <= {path.name for path in (finished / "out").iterdir()}
    none = subprocess.run([*arguments, "--max-ms", "0"], capture_output=True, text=True, cwd=ROOT)
    assert none.returncode == ExitCode.SOME_FAILED
    assert "No artifact is within the limits." in none.stdout
    assert "Run the same command with other limits" in none.stderr
    assert "converting" not in none.stderr


def test_a_dataset_without_images_is_an_error_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a folder"):
        run(parse(words(tmp_path)))


def test_a_folder_that_cannot_be_written_is_an_error_before_anything_is_trained(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(ResourceError, match="cannot be written"):
        run(parse(words(tmp_path)))


def test_an_unknown_baseline_is_an_error_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"'small' is no artifact.*one of mobilenetv2-32 fp32\.onnx, mobilenetv2-32 fp32"
    ):
        run(parse(words(tmp_path, "--baseline", "small")))


def test_where_no_network_can_be_trained_every_reason_is_in_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.draw(tmp_path / "images", 10)
    monkeypatch.setattr(prepare, "train_network", refuse_training)
    with pytest.raises(UserError) as caught:
        run(parse(words(tmp_path)))
    assert str(caught.value).splitlines() == [
        "no network could be trained and converted:",
        f"{BACKBONE}-32: ImageNet's weights cannot be downloaded. Name a file.",
        f"{BACKBONE}-48: ImageNet's weights cannot be downloaded. Name a file.",
    ]


@pytest.mark.slow
@pytest.mark.tensorflow
def test_from_images_to_the_choice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import keras

    from tests.train import tiny as tiny_backbone

    tiny_backbone.add_tiny()
    keras.utils.set_random_seed(0)
    weights = tmp_path / "tiny.weights.h5"
    tiny_backbone.build(include_top=False, weights=None).save_weights(weights)
    tiny.draw(tmp_path / "images", 40)
    monkeypatch.setattr(prepare, "train_network", train_tiny)
    arguments = [
        "--data", str(tmp_path / "images"), "--backbones", "tiny", "mobilenetv3small", "--sizes", "32", "48",
        "--weights", f"tiny={weights}", "--out", str(tmp_path / "out"), "--seconds", "0.1", "--max-loss", "100",
    ]  # fmt: skip
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "no-weights"))
    # The imports of this test.
    capfd.readouterr()
    assert run(parse(arguments)) == ExitCode.OK
    text, messages = capfd.readouterr()
    # What TensorFlow prints when it is imported.
    assert "InitializeLog" not in messages
    assert "tiny at 32 pixels" in text or "tiny at 48 pixels" in text
    # Without a connection its weights are missing; with one, the network is measured too.
    assert "mobilenetv3small-32" in text
    assert {"tiny-32 fp32.onnx", "tiny-48 fp32.xml"} <= {line.split("  ")[0] for line in text.splitlines()}
