"""The records of a signature file: a Sigstore bundle with a statement of OpenSSF's model-signing format 1.0."""

import hashlib
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from temper.errors import ArtifactError
from temper.storage.reading import read_file

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"
# Far more than the list of files of any artifact.
MAX_BYTES = 1 << 20
INVALID = (msgspec.MsgspecError, ValueError, RecursionError)


class PublicKey(Struct, frozen=True):
    """Names the key that signed: SHA-256 of its PEM text."""

    hint: str = ""


class Material(Struct, frozen=True, rename="camel"):
    """What a verifier needs besides the envelope."""

    public_key: PublicKey
    tlog_entries: tuple[Any, ...] = ()


class Signature(Struct, frozen=True):
    """The signature of a payload, in DER."""

    sig: bytes
    keyid: str = ""


class Envelope(Struct, frozen=True, rename="camel"):
    """A signed payload (DSSE)."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]


class Bundle(Struct, frozen=True, rename="camel"):
    """The content of a signature file."""

    media_type: str
    verification_material: Material
    dsse_envelope: Envelope


class Resource(Struct, frozen=True):
    """A file: its path from the folder of the artifact, and its SHA-256."""

    name: str
    digest: str
    algorithm: str = "sha256"


class Subject(Struct, frozen=True):
    """What is signed, and the SHA-256 over the SHA-256 of all files."""

    name: str
    digest: dict[str, str]


class Serialization(Struct, frozen=True):
    """How the files were hashed."""

    method: str = "files"
    hash_type: str = "sha256"
    allow_symlinks: bool = False
    ignore_paths: tuple[str, ...] = ()


class Predicate(Struct, frozen=True):
    """The list of files."""

    serialization: Serialization
    resources: tuple[Resource, ...]


class Statement(Struct, frozen=True, rename={"type": "_type", "predicate_type": "predicateType"}):
    """What is signed."""

    subject: tuple[Subject, ...]
    predicate: Predicate
    type: str = STATEMENT_TYPE
    predicate_type: str = PREDICATE_TYPE


def make_statement(name: str, resources: list[Resource]) -> bytes:
    """The statement about the files of a model, as JSON. Their order and `digest` are those of the format."""
    ordered = tuple(sorted(resources, key=lambda each: each.name))
    total = hashlib.sha256(b"".join(bytes.fromhex(each.digest) for each in ordered)).hexdigest()
    subject = Subject(name, {"sha256": total})
    return msgspec.json.encode(Statement(subject=(subject,), predicate=Predicate(Serialization(), ordered)))


def make_bundle(payload: bytes, signature: bytes, key_id: str) -> bytes:
    """The content of a signature file."""
    envelope = Envelope(payload=payload, payload_type=PAYLOAD_TYPE, signatures=(Signature(signature),))
    material = Material(PublicKey(key_id))
    return msgspec.json.encode(Bundle(media_type=BUNDLE_TYPE, verification_material=material, dsse_envelope=envelope))


def read_bundle(path: Path) -> Bundle:
    """The content of a signature file, unchecked. Raises ArtifactError for any other file."""
    try:
        return msgspec.json.decode(read_file(path, MAX_BYTES), type=Bundle)
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read ({error.strerror})", fix="Copy it again.") from None
    except INVALID as error:
        raise ArtifactError(
            f"{path} is no signature ({error})", fix="Copy it again, or move it away and sign the artifact again."
        ) from None


def signed_bytes(payload: bytes) -> bytes:
    """What a key signs: the pre-authentication encoding of DSSE, so that it is valid for this type of payload alone."""
    return f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} ".encode() + payload


def signed_files(payload: bytes, path: Path) -> dict[str, str]:
    """SHA-256 by file name in a payload whose signature was checked. Raises ArtifactError for another statement."""
    try:
        statement = msgspec.json.decode(payload, type=Statement)
    except INVALID as error:
        raise ArtifactError(f"{path} signs something else than a model ({error})", fix="Sign the artifact.") from None
    if statement.predicate_type != PREDICATE_TYPE:
        raise ArtifactError(f"{path} signs something else than a model", fix="Sign the artifact.")
    return {each.name: each.digest for each in statement.predicate.resources if each.algorithm == "sha256"}
