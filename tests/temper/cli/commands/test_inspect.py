import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from temper import __version__, formats
from temper.artifact import Artifact
from temper.card import BatchRange, write_card
from temper.cli import main
from temper.cli.commands.inspect import describe_formats
from temper.errors import ArtifactError, IncompatibleMachine, QualityError
from temper.exit_codes import ExitCode
from temper.formats import FORMATS, KERAS_BACKENDS, Format
from temper.reference import read_golden, write_golden
from temper.storage.digest import sha256_of
from temper.system.environment import Environment, Runtime
from temper.system.gpu import Gpu, find_gpu
from tests import tiny

L4 = Gpu(name="NVIDIA L4", compute_capability="8.9", driver="580.95.05", cuda="13.0")
OLD_DRIVER = Gpu(name="NVIDIA L4", compute_capability="8.9", driver="535.1", cuda="12.2")
TRT = {"tensorrt": Runtime(version="11.4.0.106", cuda=13)}
RTX = {"tensorrt_rtx": Runtime(version="1.7.1.116", cuda=13)}
BINDINGS = frozenset({"cuda.bindings"})


@pytest.fixture
def artifact(bundle: Path) -> Artifact:
    return Artifact.at(bundle.with_name("model.fp32.onnx"))


@pytest.fixture
def failing(artifact: Artifact) -> Artifact:
    """An artifact whose golden probabilities are those of the other label."""
    golden = read_golden(artifact)
    wrong = golden._replace(probabilities=np.asarray(1 - golden.probabilities, np.float32))
    reference = write_golden(artifact.path.with_name("model.golden.npz"), wrong)
    write_card(artifact.path, artifact.card.changed(golden=reference))
    return Artifact.at(artifact.path)


@pytest.fixture
def plan(artifact: Artifact) -> Path:
    """A plan that is not native code, and is never loaded."""
    path = artifact.path.with_name("model.fp32.plan")
    path.write_bytes(b"not native code")
    write_card(path, artifact.card.changed(sha256=sha256_of(path)))
    return path


def run(*words: object) -> int:
    return main.run(main.parse([str(word) for word in words]))


def test_the_selftest_of_an_intact_artifact_passes(artifact: Artifact, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("selftest", artifact.path) == ExitCode.OK
    text = capsys.readouterr().out
    sentence = (
        "self-test passed: model.fp32.onnx predicts the label of Keras for 16 of 16 images. Probabilities differ by"
    )
    assert text.startswith(sentence)
    assert text.endswith("; the limit is 0.0100\n")


def test_a_selftest_that_fails_shows_by_how_much(failing: Artifact, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(
        QualityError, match=r"failed: .*for 0 of 16 images \(16 change that did not at the conversion\)"
    ):
        run("selftest", failing.path)
    assert capsys.readouterr().out == ""


def test_a_selftest_as_json_is_printed_also_when_it_fails(
    artifact: Artifact, failing: Artifact, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(QualityError) as caught:
        run("selftest", failing.path, "--json")
    # The entry point prints them with the error, as one object.
    assert capsys.readouterr().out == ""
    result: dict[str, Any] = caught.value.details
    assert (result["passed"], result["images"], result["label_changes"]) == (False, 16, 16)
    assert result["max_difference"] > result["tolerance"]


def test_the_doctor_shows_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor") == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert {"system", "GPU"} <= {line.partition(":")[0] for line in lines}
    assert "ONNX Runtime (.onnx): runs" in lines
    assert len([line for line in lines if "(." in line]) == len(FORMATS)


def test_the_doctor_shows_that_an_artifact_is_compatible(
    artifact: Artifact, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("doctor", artifact.path) == ExitCode.OK
    assert "model.fp32.onnx: undamaged, compatible with this machine, origin: made here\n" in capsys.readouterr().out


def test_the_doctor_as_json_has_the_environment(artifact: Artifact, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor", artifact.path, "--json") == ExitCode.OK
    report = json.loads(capsys.readouterr().out)
    assert report["problem"] == ""
    assert "onnxruntime" in report["environment"]["modules"]
    assert "system" in report["environment"]


@pytest.mark.skipif(find_gpu() is not None, reason="there is a GPU here")
def test_the_doctor_says_why_a_plan_does_not_run_before_anything_loads_it(
    plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(IncompatibleMachine, match="runs on an NVIDIA GPU"):
        run("doctor", plan)
    assert "GPU: none" in capsys.readouterr().out
    with pytest.raises(IncompatibleMachine) as caught:
        run("doctor", plan, "--json")
    assert capsys.readouterr().out == ""
    assert caught.value.details["environment"]
    assert "runs on an NVIDIA GPU" in str(caught.value.details["problem"])


@pytest.mark.parametrize("command", ["doctor", "selftest", "inspect"])
def test_a_damaged_artifact_is_refused_before_anything_loads_it(command: str, plan: Path) -> None:
    plan.write_bytes(b"")
    with pytest.raises(ArtifactError, match="is not the file that its card describes"):
        run(command, plan)


def test_inspect_shows_the_main_fields_of_the_card(artifact: Artifact, capsys: pytest.CaptureFixture[str]) -> None:
    write_card(artifact.path, artifact.card.changed(batch=BatchRange(1, 8, 32)))
    assert run("inspect", artifact.path) == ExitCode.OK
    text = capsys.readouterr().out
    for words in (
        "ONNX Runtime", "fp32", "blue, red", "uint8 RGB [n, 16, 16, 3]", "1 to 32, best 8", "model.keras",
        f"Temper {__version__}", "100.0 % of labels as Keras", artifact.card.sha256,
    ):  # fmt: skip
        assert words in text
    assert "not measured" not in text


def test_the_words_for_an_adopted_model_are_not_those_of_keras(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    adopted = Artifact.at(tiny.adopt(bundle))
    run("inspect", adopted.path)
    text = capsys.readouterr().out
    assert "origin         adopted from net.onnx (caffe, NCHW float32, logits)" in text
    assert "accuracy       100.0 % top-1 on 16 held-out images" in text
    run("selftest", adopted.path)
    assert "predicts the label of the original model for 16 of 16 images" in capsys.readouterr().out
    tiny.pipeline_of(adopted.path).build(adopted.sibling("fp16", ".onnx"), "fp16")
    run("inspect", adopted.sibling("fp16", ".onnx").path)
    assert "100.0 % of labels as the original model" in capsys.readouterr().out


def test_inspect_shows_why_an_artifact_was_not_run(artifact: Artifact, capsys: pytest.CaptureFixture[str]) -> None:
    write_card(artifact.path, artifact.card.changed(not_run="there was no GPU"))
    run("inspect", artifact.path)
    text = capsys.readouterr().out
    assert "not measured   there was no GPU" in text
    assert "accuracy" not in text


def test_inspect_and_doctor_send_no_code_of_a_card_to_the_terminal(
    artifact: Artifact, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = ("\x1b[2J", "dog\nprecision       int8")
    write_card(artifact.path, artifact.card.changed(labels=labels, not_run="\x1b]0;title\x07"))
    for command in ("inspect", "doctor"):
        run(command, artifact.path)
    text = capsys.readouterr().out
    assert r"\x1b[2J, dog\nprecision" in text
    assert "\x1b" not in text and "\x07" not in text


def test_inspect_shortens_a_long_list_of_labels(artifact: Artifact, capsys: pytest.CaptureFixture[str]) -> None:
    write_card(artifact.path, artifact.card.changed(labels=tuple(f"label{i}" for i in range(1000))))
    run("inspect", artifact.path)
    text = capsys.readouterr().out
    assert "label19, … (1000 in all)" in text
    assert "label20" not in text


def test_inspect_as_json_is_the_card(artifact: Artifact, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("inspect", artifact.path, "--json") == ExitCode.OK
    assert capsys.readouterr().out == artifact.card_path.read_text()


def test_inspect_shows_the_accuracy_of_a_trained_model(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from temper.card import Training, TrainingResult

    model = Artifact.at(bundle)
    result = TrainingResult(images=400, accuracy=0.9575, interval=(0.93, 0.97))
    write_card(bundle, model.card.changed(training=Training(config={}, result=result)))
    run("inspect", bundle)
    text = capsys.readouterr().out
    assert "95.8 % top-1 on 400 held-out images" in text
    assert "trained, not converted" in text


def state_of(suffix: str, environment: Environment) -> str:
    """What the line of a format says."""
    (line,) = [each for each in describe_formats(environment) if f"({suffix}): " in each]
    return line.partition("): ")[2]


def test_each_format_has_a_line_that_says_whether_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    made_up = Format(suffix=".made-up", title="Made Up", runner="no:Runner", requires=("made_up",), install="get it")
    monkeypatch.setattr(formats, "FORMATS", (*FORMATS, made_up))
    lines = describe_formats(Environment(modules=frozenset({"onnxruntime", "onnx"})))
    assert len(lines) == len(FORMATS) + 1
    assert "ONNX Runtime (.onnx): runs" in lines
    assert "OpenVINO (.xml): missing openvino: pip install openvino" in lines
    assert "TensorRT (.plan): needs an NVIDIA GPU" in lines
    assert lines[-1] == "Made Up (.made-up): missing made_up: get it"


def test_keras_runs_on_any_of_its_backends() -> None:
    expected = "missing tensorflow, jax or torch: pip install tensorflow keras"
    assert state_of(".keras", Environment(modules=frozenset({"keras"}))) == expected
    for backend in KERAS_BACKENDS:
        assert state_of(".keras", Environment(modules=frozenset({"keras", backend}))) == "runs"


@pytest.mark.parametrize(
    ("environment", "state"),
    [
        (Environment(gpu=L4, tensorrt=TRT, modules=BINDINGS), "runs"),
        (Environment(gpu=L4, tensorrt=RTX, modules=BINDINGS), "runs"),
        (Environment(gpu=L4, modules=BINDINGS), "missing tensorrt: pip install tensorrt-cu13 cuda-python"),
        (
            Environment(gpu=OLD_DRIVER),
            "missing tensorrt and CUDA's Python bindings: pip install tensorrt-cu12 'cuda-python<13'",
        ),
        (
            Environment(gpu=OLD_DRIVER, tensorrt=TRT, modules=BINDINGS),
            "tensorrt 11.4.0.106 is for CUDA 13; the driver 535.1 supports CUDA 12.2 at most",
        ),
    ],
)
def test_plans_run_with_a_tensorrt_and_bindings_that_fit_the_driver(environment: Environment, state: str) -> None:
    assert state_of(".plan", environment) == state


def test_inspect_writes_images_for_clients(bundle: Path, tmp_path: Path) -> None:
    assert main.run(main.parse(["inspect", str(bundle), "--client-images", str(tmp_path / "client"), "--json"])) == 0
    manifest = json.loads((tmp_path / "client" / "manifest.json").read_text())
    assert (manifest["size"], manifest["preprocessing"]["channels"], len(manifest["images"])) == (16, "RGB", 11)
