import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from temper.errors import ArtifactError
from temper.runners.checks.keras_file import MAX_JSON_BYTES, check_h5_file, check_keras_file
from tests.temper.runners.checks.keras_archive import CONFIG, WEIGHTS, archive, weights


def check(path: Path) -> None:
    check_keras_file(path, path)


def refused(path: Path, reason: str) -> None:
    with pytest.raises(ArtifactError, match=reason):
        check(path)


def test_a_file_as_keras_writes_it_passes(tmp_path: Path) -> None:
    check(archive(tmp_path / "model.keras"))


@pytest.mark.parametrize("name", ["assets/x.txt", "../evil", "/etc/passwd", "model.weights.npz"])
def test_a_member_that_keras_does_not_write_is_refused(tmp_path: Path, name: str) -> None:
    refused(archive(tmp_path / "model.keras", {name: b""}), "contains '.*', so Keras' own save has not written it")


def test_a_missing_member_and_one_that_is_there_twice_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(CONFIG, "{}")
    refused(path, "does not contain metadata.json, config.json, model.weights.h5, once each")
    with zipfile.ZipFile(archive(path), "a") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file.writestr(CONFIG, '{"other": 1}')
    refused(path, "once each")


def test_a_member_that_expands_is_refused_before_it_does(tmp_path: Path) -> None:
    bomb = {WEIGHTS: bytes(10_000_000)}
    path = archive(tmp_path / "model.keras", bomb, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 100_000
    refused(path, "contains config.json compressed, and Keras stores it as it is")


def test_a_member_that_declares_more_bytes_than_the_file_has_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "model.keras")
    content = path.read_bytes()
    size = len(weights()).to_bytes(4, "little")
    # In the central directory, which zipfile believes; compressed and expanded size follow each other.
    position = content.rindex(size + size)
    path.write_bytes(content[:position] + 2 * (3 << 30).to_bytes(4, "little") + content[position + 8 :])
    refused(path, r"declares 3221225472 bytes for model\.weights\.h5")


def test_a_configuration_of_many_megabytes_is_refused(tmp_path: Path) -> None:
    refused(
        archive(tmp_path / "model.keras", {CONFIG: bytes(MAX_JSON_BYTES + 1)}), "declares 16777217 bytes for config"
    )


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 truncated"])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.keras").write_bytes(content)
    refused(tmp_path / "model.keras", "is not a .keras file")


def test_a_member_with_a_password_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "model.keras")
    content = bytearray(path.read_bytes())
    # The first flag of the last entry of the central directory, which is that of the weights.
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    refused(path, "is not a .keras file .*encrypted")


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    refused(archive(tmp_path / "model.keras", {WEIGHTS: b"no HDF5"}), "has damaged weights")


def huge(file: Any) -> None:
    file.create_dataset("huge", shape=(1 << 40,), dtype=np.float32)


def chunked(file: Any) -> None:
    file.create_dataset("chunked", data=np.zeros(1 << 20), chunks=True, compression="gzip")


def external(file: Any) -> None:
    file.create_dataset("external", shape=(4,), dtype=np.uint8, external=[("/etc/passwd", 0, 4)])


def virtual(file: Any) -> None:
    layout = h5py.VirtualLayout(shape=(4,), dtype=np.uint8)
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(4,))
    file.create_virtual_dataset("virtual", layout)


def named_type(file: Any) -> None:
    file["type"] = np.dtype(np.float32)


@pytest.mark.parametrize("change", [huge, chunked, external, virtual, named_type])
def test_weights_whose_values_are_not_in_the_file_are_refused(tmp_path: Path, change: Callable[[Any], object]) -> None:
    refused(archive(tmp_path / "model.keras", {WEIGHTS: weights(change)}), "whose values are not in the file")


def soft_link(file: Any) -> None:
    file["link"] = h5py.SoftLink("/layers")


def external_link(file: Any) -> None:
    file["link"] = h5py.ExternalLink("/etc/passwd", "/")


@pytest.mark.parametrize("change", [soft_link, external_link])
def test_a_link_in_place_of_weights_is_refused(tmp_path: Path, change: Callable[[Any], object]) -> None:
    refused(archive(tmp_path / "model.keras", {WEIGHTS: weights(change)}), "has a link in place of the weights link")


def test_a_group_that_contains_itself_is_refused(tmp_path: Path) -> None:
    def loop(file: Any) -> None:
        file["layers/again"] = file["layers"]

    refused(archive(tmp_path / "model.keras", {WEIGHTS: weights(loop)}), "has two paths to the weights layers/again")


def h5(path: Path, **datasets: Any) -> Path:
    """An .h5 file of a complete model, with these arguments of datasets."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = "{}"
        file.create_dataset("model_weights/dense/kernel", data=np.zeros((64, 64), np.float32), **datasets)
    return path


def test_an_h5_file_of_a_complete_model_passes(tmp_path: Path) -> None:
    assert check_h5_file(h5(tmp_path / "model.h5"), tmp_path) == 64 * 64


def test_an_h5_file_whose_weights_expand_or_are_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="whose values are not in the file"):
        check_h5_file(h5(tmp_path / "bomb.h5", compression="gzip"), tmp_path)
    with h5py.File(h5(tmp_path / "link.h5"), "a") as file:
        file["model_weights/dense/bias"] = h5py.ExternalLink("/etc/passwd", "/")
    with pytest.raises(ArtifactError, match="has a link in place of the weights"):
        check_h5_file(tmp_path / "link.h5", tmp_path)


def test_weights_alone_and_what_is_no_h5_file_are_refused_with_the_remedy(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file["kernel"] = np.zeros(4)
    with pytest.raises(ArtifactError, match=r"without the layers.*model\.save\('model\.h5'\)"):
        check_h5_file(tmp_path / "weights.h5", Path("weights.h5"))
    (tmp_path / "text.h5").write_text("no model")
    with pytest.raises(ArtifactError, match=r"it is not an \.h5 file"):
        check_h5_file(tmp_path / "text.h5", Path("text.h5"))
