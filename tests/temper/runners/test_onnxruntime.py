"""What ONNX Runtime's runner does besides the contract of all runners (test_contract.py)."""

import ast
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnxruntime.capi import onnxruntime_pybind11_state as status

from temper.artifact import Artifact
from temper.card import read_card
from temper.errors import ArtifactError, ResourceError
from temper.runners.load import load_runner, open_runner
from temper.runners.onnxruntime import LOAD_ERRORS, REWRITERS, OnnxRuntimeRunner, open_session
from tests import tiny
from tests.source import ROOT, tree_of


def test_a_file_and_its_bytes_open_the_same_network(made_bundle: Path) -> None:
    path = made_bundle.with_name("model.fp32.onnx")
    images = np.full((1, 16, 16, 3), 128, np.uint8)
    by_path, by_bytes = (
        open_session(model).run(None, {"images": images})[0] for model in (str(path), path.read_bytes())
    )
    assert (by_path == by_bytes).all()


def test_the_optimized_graph_is_written_where_it_is_asked_for(made_bundle: Path, tmp_path: Path) -> None:
    target = tmp_path / "optimized.onnx"
    open_session(str(made_bundle.with_name("model.fp32.onnx")), target=str(target))
    images = np.full((1, 16, 16, 3), 128, np.uint8)
    session = open_session(str(target), ort.GraphOptimizationLevel.ORT_DISABLE_ALL)
    assert np.allclose(session.run(None, {"images": images})[0].sum(), 1, atol=1e-5)


def test_threads_that_wait_sleep_where_that_is_asked_for(made_bundle: Path) -> None:
    options = open_session(str(made_bundle.with_name("model.fp32.onnx")), spins=False).get_session_options()
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_fp16_is_reported_as_executed_in_fp32(made_bundle: Path) -> None:
    path = made_bundle.with_name("model.fp32.onnx")
    with OnnxRuntimeRunner(Artifact.with_card(path, read_card(path).changed(precision="fp16"))) as runner:
        assert runner.runtime_info().executed == "fp32"


def test_an_open_session_does_not_hold_the_bytes_of_its_file(made_bundle: Path) -> None:
    content = b"".join([made_bundle.with_name("model.fp32.onnx").read_bytes()])
    references = sys.getrefcount(content)
    session = open_session(content)
    assert sys.getrefcount(content) == references
    assert session.run(None, {"images": np.zeros((1, 16, 16, 3), np.uint8)})[0].shape == (1, 2)


def test_weights_in_another_file_are_refused_before_the_runtime_sees_them(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bundle.with_name("model.fp32.onnx")
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="side.bin", size_threshold=0)
    artifact = tiny.with_card(path)
    monkeypatch.setattr("temper.runners.onnxruntime.open_session", None)
    with pytest.raises(ArtifactError, match="keeps weights in other files, which its checksum does not cover"):
        open_runner(artifact)


def test_a_file_of_onnx_runtimes_own_format_is_refused(tmp_path: Path, made_bundle: Path) -> None:
    options = ort.SessionOptions()
    options.add_session_config_entry("session.save_model_format", "ORT")
    options.optimized_model_filepath = str(tmp_path / "model.onnx")
    ort.InferenceSession(str(made_bundle.with_name("model.fp32.onnx")), options, providers=["CPUExecutionProvider"])
    with pytest.raises(ArtifactError, match="cannot be opened by ONNX Runtime"):
        open_runner(tiny.with_card(tmp_path / "model.onnx"))
    with pytest.raises(LOAD_ERRORS):
        open_session((tmp_path / "model.onnx").read_bytes())


def test_missing_memory_is_no_damage_of_the_file(made_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise status.Fail("[ONNXRuntimeError] : 1 : FAIL : bad allocation")

    monkeypatch.setattr("temper.runners.onnxruntime.open_session", fail)
    with pytest.raises(ResourceError, match="out of memory"):
        load_runner(Artifact.at(made_bundle.with_name("model.fp32.onnx")))


def test_a_file_that_cannot_be_opened_prints_nothing_to_stdout(
    made_bundle: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # ONNX Runtime's message contains the name of the operator, and cannot be decoded: its own fallback would print. The
    # last version for Python 3.10 leaves the name out.
    content = made_bundle.with_name("model.fp32.onnx").read_bytes().replace(b"Softmax", b"\xffoftmax")
    with pytest.raises((UnicodeDecodeError, *LOAD_ERRORS)):
        open_session(content)
    assert not capfd.readouterr().out


def test_the_key_of_a_cached_graph_has_all_code_that_rewrites_it() -> None:
    imported = {
        ROOT / f"{node.module.replace('.', '/')}.py"
        for path in REWRITERS
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("temper.")
    }
    assert ROOT / "temper/runners/ort/graph.py" in imported
    assert imported <= {path.resolve() for path in REWRITERS}
