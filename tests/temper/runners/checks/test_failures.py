from pathlib import Path

import pytest

from temper.artifact import Artifact
from temper.errors import ArtifactError, ResourceError, UsageError
from temper.runners.checks.failures import explained
from temper.runners.load import load_runner
from tests import tiny


class DecodeError(Exception):
    """As that of protobuf, which is no ValueError."""


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DecodeError("Error parsing message"), "Error parsing message"),
        (KeyError("layers"), "'layers'"),
        (RuntimeError("at core.cpp:111\nUnable to read.\n\n"), "Unable to read"),
        (RecursionError(), "RecursionError"),
        (ValueError("\x1b[31mred\x07"), "?[31mred?"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_any_exception_of_a_library_is_one_sentence_with_its_reason(error: Exception, reason: str) -> None:
    with pytest.raises(ArtifactError) as caught, explained(Artifact.at("model.fp32.onnx"), "opened"):
        raise error
    assert str(caught.value) == f"model.fp32.onnx cannot be opened by ONNX Runtime: {reason}. Convert it again."
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("text", ["std::bad_alloc", "Failed to allocate memory for requested buffer", "OOM when"])
def test_missing_memory_is_no_damage(text: str) -> None:
    with pytest.raises(ResourceError, match="out of memory"), explained(Artifact.at("model.fp32.onnx"), "run"):
        raise RuntimeError(text)


@pytest.mark.parametrize("error", [UsageError("x"), MemoryError(), OSError(28, "No space left"), ImportError("x")])
def test_what_is_not_the_files_fault_passes(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, explained(Artifact.at("model.fp32.onnx"), "opened"):
        raise error
    assert caught.value is error


@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 100, b"<net>" * 2000, b"\xff" * 1000], ids=lambda each: repr(each[:5])
)
def test_content_of_any_kind_with_a_fitting_card_is_one_sentence(suffix: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"model.fp32{suffix}"
    for each in (path, path.with_suffix(".bin")):
        each.write_bytes(content)
    with pytest.raises(ArtifactError):
        load_runner(tiny.with_card(path))
