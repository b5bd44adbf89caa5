import logging
from pathlib import Path

import pytest

from choose.steps import reason_of, run_logged, source_of
from temper.artifact import Artifact
from temper.errors import DataError

MODEL = Artifact.at("folder/model.keras")


@pytest.mark.parametrize(
    ("target", "precision", "source"),
    [
        ("model.fp32.onnx", "fp32", "model.keras"),
        ("model.fp32.xml", "fp32", "model.fp32.onnx"),
        ("model.int8.onnx", "int8", "model.fp32.onnx"),
        ("model.int8.xml", "int8", "model.int8.onnx"),
    ],
)
def test_the_source_of_a_target_is_the_model_or_a_sibling(target: str, precision: str, source: str) -> None:
    artifact = Artifact.at(Path("folder") / target)
    assert source_of(MODEL, artifact, precision).path == Path("folder") / source  # type: ignore[arg-type]


def test_the_traceback_of_an_unexpected_error_is_logged_with_verbose(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="temper")
    assert reason_of(KeyError("conv1")) == "KeyError: 'conv1'"
    assert "KeyError: 'conv1'" in caplog.text
    caplog.clear()
    assert reason_of(DataError("it is empty", fix="Add images.")) == "it is empty. Add images."
    assert caplog.text == ""


def test_messages_of_a_child_have_the_level_of_the_parent(capsys: pytest.CaptureFixture[str]) -> None:
    def work(text: str) -> str:
        logging.getLogger("temper.train").info(text)
        return text

    assert run_logged(logging.INFO, work, ("shown",)) == "shown"
    run_logged(logging.WARNING, work, ("hidden",))
    assert capsys.readouterr().err == "shown\n"
