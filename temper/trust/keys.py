"""Keys: one that signs, and the public keys whose signatures this user trusts. Both are PEM files.

ECDSA on NIST's curves, as OpenSSF's model-signing has it: its tools check signatures of this project, and the reverse.
"""

import hashlib
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_config_path

from temper.errors import MissingRuntime, ResourceError, UsageError
from temper.storage.atomic import atomic_write
from temper.storage.lock import lock_folder
from temper.storage.reading import read_file
from temper.trust.private import check_private, make_private

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

INSTALL = "pip install cryptography"
CURVES = ("secp256r1", "secp384r1", "secp521r1")
MAX_KEY_BYTES = 16 * 1024


def config_folder() -> Path:
    """Where this user's keys are."""
    return user_config_path("temper", appauthor=False)


def trusted_folder() -> Path:
    """Where the trusted public keys are, each a file with the suffix .pub."""
    return config_folder() / "trusted-keys"


def import_cryptography() -> Any:
    """The modules (ec, hashes, serialization). Raises MissingRuntime where the package is not installed."""
    try:
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ModuleNotFoundError as error:
        raise MissingRuntime(
            f"signatures need the package {error.name}, which is not installed", fix=f"Install it:\n    {INSTALL}"
        ) from None
    return ec, hashes, serialization


def own_key() -> "EllipticCurvePrivateKey":
    """This user's key; it is made with the first call, and its public key becomes a trusted one.

    Raises MissingRuntime, ResourceError for a folder that others may write, UsageError for a damaged key.
    """
    ec, _, serialization = import_cryptography()
    folder = make_private(config_folder())
    path = folder / "signing-key.pem"
    with lock_folder(folder):
        if not path.exists():
            key: EllipticCurvePrivateKey = ec.generate_private_key(ec.SECP256R1())
            text = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            _write(path, text, 0o600)
            own_public_key(key)
    return load_private_key(path)


def own_public_key(key: "EllipticCurvePrivateKey") -> Path:
    """Where the public key of this user's key is, among the trusted ones; it is written if it is missing."""
    public = key.public_key()
    return _trust(public, f"{_host_name()}-{key_id(public)[:8]}")


def load_private_key(path: Path) -> "EllipticCurvePrivateKey":
    """The private key in a PEM file. Raises UsageError for any other file, ResourceError when others may write it."""
    ec, _, serialization = import_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm

    content = _read_key(path)
    check_private(path)
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unusable(path, str(error)) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name not in CURVES:
        raise _unusable(path, "it is of another kind")
    private: EllipticCurvePrivateKey = key
    return private


def trusted_keys() -> "Mapping[str, EllipticCurvePublicKey]":
    """The trusted public keys, by the name of their file.

    Raises MissingRuntime, ResourceError for a folder or file that others may write, UsageError for a damaged key.
    """
    folder = trusted_folder()
    paths = sorted(folder.glob("*.pub")) if folder.is_dir() else []
    if paths:
        check_private(config_folder(), folder, *paths)
    return {path.stem: _load_public_key(path) for path in paths}


def add_trusted_key(path: Path) -> Path:
    """Trust the public key in a file from now on; returns where it is stored. Raises UsageError and as `own_key`."""
    return _trust(_load_public_key(path), path.name.removesuffix(".pub"))


def key_id(key: "EllipticCurvePublicKey") -> str:
    """What names a public key in a signature: the SHA-256 of its PEM text."""
    return hashlib.sha256(_pem(key)).hexdigest()


def _trust(key: "EllipticCurvePublicKey", name: str) -> Path:
    make_private(config_folder())
    target = make_private(trusted_folder()) / f"{name}.pub"
    if target.exists() and target.read_bytes() != _pem(key):
        raise UsageError(f"{target} is another trusted key of this name", fix="Rename the file of the new key.")
    _write(target, _pem(key), 0o644)
    return target


def _load_public_key(path: Path) -> "EllipticCurvePublicKey":
    ec, _, serialization = import_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm

    content = _read_key(path)
    try:
        key = serialization.load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _unusable(path, str(error)) from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in CURVES:
        raise _unusable(path, "it is of another kind")
    public: EllipticCurvePublicKey = key
    return public


def _read_key(path: Path) -> bytes:
    try:
        return read_file(path, MAX_KEY_BYTES)
    except OSError as error:
        raise ResourceError(f"the key {path} cannot be read ({error.strerror})", fix="Check the path.") from None


def _unusable(path: Path, reason: str) -> UsageError:
    reason = reason.splitlines()[0].rstrip(".") if reason else "it is damaged"
    return UsageError(
        f"{path} is no key that can be used here ({reason}). Expected a PEM file without a passphrase, with an ECDSA "
        f"key on {', '.join(CURVES)}",
        fix="`temper sign` makes such a key when none is named.",
    )


def _pem(key: "EllipticCurvePublicKey") -> bytes:
    _, _, serialization = import_cryptography()
    content: bytes = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return content


def _write(target: Path, content: bytes, mode: int) -> None:
    with atomic_write(target) as path:
        path.touch(mode=mode)
        path.write_bytes(content)


def _host_name() -> str:
    return re.sub(r"[^A-Za-z0-9-]+", "-", socket.gethostname()).strip("-") or "key"
