import stat
import subprocess
import sys
from pathlib import Path

import pytest

from temper.errors import MissingRuntime, ResourceError, UsageError
from temper.trust.keys import (
    add_trusted_key,
    config_folder,
    key_id,
    load_private_key,
    own_key,
    own_public_key,
    trusted_folder,
    trusted_keys,
)


def openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def test_the_own_key_is_made_once_and_is_trusted() -> None:
    key = own_key()
    assert key.private_numbers() == own_key().private_numbers()
    (name,) = trusted_keys()
    assert own_public_key(key) == trusted_folder() / f"{name}.pub"
    assert name.endswith(key_id(key.public_key())[:8])
    assert stat.S_IMODE((config_folder() / "signing-key.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE(config_folder().stat().st_mode) == 0o700


def test_keys_of_openssl_can_be_used(tmp_path: Path) -> None:
    private, public = tmp_path / "key.pem", tmp_path / "build-machine.pub"
    openssl("ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", str(private))
    openssl("ec", "-in", str(private), "-pubout", "-out", str(public))
    assert add_trusted_key(public) == trusted_folder() / "build-machine.pub"
    assert key_id(trusted_keys()["build-machine"]) == key_id(load_private_key(private).public_key())


def test_adding_a_key_again_does_nothing_and_another_one_of_its_name_is_refused(tmp_path: Path) -> None:
    own = own_public_key(own_key())
    (tmp_path / "one.pub").write_bytes(own.read_bytes())
    assert add_trusted_key(tmp_path / "one.pub") == add_trusted_key(tmp_path / "one.pub")
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(tmp_path / "key.pem"))
    openssl("ec", "-in", str(tmp_path / "key.pem"), "-pubout", "-out", str(tmp_path / "one.pub"))
    with pytest.raises(UsageError, match="is another trusted key of this name"):
        add_trusted_key(tmp_path / "one.pub")


@pytest.mark.parametrize("place", ["folder", "file", "above"])
def test_trusted_keys_that_others_can_write_are_refused(place: str) -> None:
    public = own_public_key(own_key())
    {"folder": public.parent, "file": public, "above": config_folder()}[place].chmod(0o777)
    with pytest.raises(ResourceError, match="can be written by other users"):
        trusted_keys()


def test_a_trusted_key_that_is_a_broken_link_is_named() -> None:
    own_key()
    (trusted_folder() / "broken.pub").symlink_to("nowhere")
    with pytest.raises(ResourceError, match=r"broken\.pub cannot be read \(No such file or directory\)"):
        trusted_keys()


def test_a_private_key_that_others_can_write_is_refused() -> None:
    own_key()
    (config_folder() / "signing-key.pem").chmod(0o622)
    with pytest.raises(ResourceError, match="can be written by other users"):
        own_key()


@pytest.mark.parametrize(
    "content", [b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", b"\xff" * 99]
)
def test_a_damaged_key_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "damaged.pub"
    path.write_bytes(content)
    for load in (add_trusted_key, load_private_key):
        with pytest.raises(UsageError, match=r"damaged\.pub is no key that can be used here"):
            load(path)


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    openssl("genpkey", "-algorithm", "ed25519", "-out", str(tmp_path / "key.pem"))
    openssl("pkey", "-in", str(tmp_path / "key.pem"), "-pubout", "-out", str(tmp_path / "key.pub"))
    with pytest.raises(UsageError, match="it is of another kind"):
        load_private_key(tmp_path / "key.pem")
    with pytest.raises(UsageError, match="it is of another kind"):
        add_trusted_key(tmp_path / "key.pub")


def test_a_key_on_a_curve_that_the_library_does_not_have_is_refused(tmp_path: Path) -> None:
    openssl("ecparam", "-name", "brainpoolP160r1", "-genkey", "-noout", "-out", str(tmp_path / "key.pem"))
    openssl("ec", "-in", str(tmp_path / "key.pem"), "-pubout", "-out", str(tmp_path / "key.pub"))
    with pytest.raises(UsageError, match="is no key that can be used here"):
        load_private_key(tmp_path / "key.pem")
    with pytest.raises(UsageError, match="is no key that can be used here"):
        add_trusted_key(tmp_path / "key.pub")


def test_a_key_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"none\.pem cannot be read \(No such file or directory\)"):
        load_private_key(tmp_path / "none.pem")


def test_without_cryptography_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)
    with pytest.raises(MissingRuntime, match="signatures need the package") as caught:
        own_key()
    assert caught.value.fix.endswith("pip install cryptography")
