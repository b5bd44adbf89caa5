import shutil
from pathlib import Path

import numpy as np
import pytest

from temper.card import card_path, read_card
from temper.errors import MissingRuntime, UserError
from temper.formats import FORMATS, checked_card, format_of, load_runner, open_runner


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.suffix)
def test_a_suffix_finds_its_format(each: object) -> None:
    suffix = each.suffix  # type: ignore[attr-defined]
    assert format_of(Path(f"artifacts/model.int8{suffix}")) is each


@pytest.mark.parametrize("name", ["model.engine", "model", "model.onnx.rejected"])
def test_an_unknown_suffix_lists_the_known_ones(name: str) -> None:
    with pytest.raises(UserError, match=r"\.keras, \.savedmodel, \.tftrt, \.onnx, \.xml, \.plan"):
        format_of(Path(name))


def test_a_truncated_artifact_is_refused_before_anything_loads_it(bundle: Path) -> None:
    artifact = bundle.with_name("model.fp32.onnx")
    artifact.write_bytes(artifact.read_bytes()[:-100])
    with pytest.raises(UserError, match="truncated, damaged or replaced"):
        open_runner(artifact)


def test_one_flipped_bit_is_refused(bundle: Path) -> None:
    artifact = bundle.with_name("model.fp32.onnx")
    content = bytearray(artifact.read_bytes())
    content[len(content) // 2] ^= 1
    artifact.write_bytes(content)
    with pytest.raises(UserError, match="SHA-256 differs"):
        checked_card(artifact)


def test_a_missing_companion_is_named(bundle: Path) -> None:
    artifact = bundle.with_name("model.xml")
    shutil.copy(bundle.with_name("model.fp32.onnx"), artifact)
    shutil.copy(card_path(bundle.with_name("model.fp32.onnx")), card_path(artifact))
    with pytest.raises(UserError, match=r"model\.bin is missing"):
        checked_card(artifact)


def test_a_missing_runtime_says_what_to_install(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> object:
        raise ModuleNotFoundError("No module named 'onnxruntime'")

    monkeypatch.setattr("temper.formats.importlib.import_module", absent)
    artifact = bundle.with_name("model.fp32.onnx")
    with pytest.raises(MissingRuntime, match="pip install onnxruntime"):
        load_runner(artifact, read_card(artifact))


def test_an_artifact_opens_and_answers(bundle: Path) -> None:
    with open_runner(bundle.with_name("model.fp32.onnx")) as runner:
        answers = runner.predict(np.zeros((3, 16, 16, 3), np.uint8))
    assert answers.shape == (3, 2)
