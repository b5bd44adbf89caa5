from pathlib import Path

import onnx
import pytest

from convert.adopt.originals.base import Wanted
from convert.adopt.originals.open import check_path, open_original
from temper.errors import ArtifactError, UserError
from temper.storage.digest import sha256_of
from temper.trust.policy import VARIABLE
from tests.convert.adopt.nets import onnx_net


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none.onnx", "does not exist"),
        ("net.pt", r"(?s)may be a pickle.*torch\.onnx\.export"),
        ("net.pkl", "may be a pickle"),
        ("net.tflite", "no model that can be adopted"),
        ("folder", "does not contain saved_model.pb"),
    ],
)
def test_what_is_no_model_or_unsafe_is_refused_unread(tmp_path: Path, name: str, words: str) -> None:
    if name == "folder":
        (tmp_path / name).mkdir()
    elif not name.startswith("none"):
        (tmp_path / name).write_bytes(b"\x80\x04cposix\nsystem\n.")
    with pytest.raises(UserError, match=words):
        check_path(tmp_path / name, trust=True)


def test_a_saved_model_is_a_program_that_the_user_must_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(ArtifactError, match=r"(?s)can run any code.*--trust"):
        check_path(tmp_path, trust=False)
    check_path(tmp_path, trust=True)
    monkeypatch.setenv(VARIABLE, "1")
    with pytest.raises(ArtifactError, match="a signature is required"):
        check_path(tmp_path, trust=True)


def test_the_hash_is_that_of_the_file_and_of_the_weights_beside_it(bundle: Path) -> None:
    path = bundle.with_name("net.onnx")
    onnx.save(onnx_net(bundle), path)
    with open_original(path, Wanted()) as original:
        assert (original.name, original.sha256) == ("net.onnx", sha256_of(path))
    onnx.save(onnx_net(bundle), path, save_as_external_data=True, location="data.bin", size_threshold=0)
    with open_original(path, Wanted()) as original:
        assert original.sha256 == sha256_of(path, path.with_name("data.bin"))
