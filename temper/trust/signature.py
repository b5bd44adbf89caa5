"""A signature beside an artifact (`model.int8.plan.sig`): made with a private key, checked with the trusted ones.

It lists the artifact's files and its card with their SHA-256. Here the card decides: its SHA-256 is compared, and the
card's own `sha256` covers the files. Its file name counts too: no signed artifact can stand in for another one.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from temper.artifact import Artifact
from temper.errors import ArtifactError
from temper.storage.atomic import atomic_write
from temper.storage.digest import sha256_of
from temper.trust.bundle import Bundle, Resource, make_bundle, make_statement, read_bundle, signed_bytes, signed_files
from temper.trust.keys import import_cryptography, key_id, trusted_keys

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

SIGN_AGAIN = "Sign it again where it was made:\n    temper sign {}"


def signature_path(artifact: Artifact) -> Path:
    """Where an artifact's signature is."""
    return artifact.path.with_name(f"{artifact.name}.sig")


def sign(artifact: Artifact, key: "EllipticCurvePrivateKey") -> Path:
    """Sign an artifact that was checked against its card; an earlier signature is replaced.

    Raises ArtifactError when something that is no signature has its name, or the artifact was changed meanwhile.
    """
    path, card_sha256 = signature_path(artifact), artifact.card_sha256()
    if path.exists() or path.is_symlink():
        read_bundle(path)
    resources = [Resource(artifact.card_path.name, card_sha256)]
    for file in artifact.files:
        members = [each for each in file.rglob("*") if each.is_file()] if file.is_dir() else [file]
        resources += [Resource(each.relative_to(artifact.path.parent).as_posix(), sha256_of(each)) for each in members]
    artifact.verified()
    payload = make_statement(artifact.name, resources)
    ec, _, _ = import_cryptography()
    signature = key.sign(signed_bytes(payload), ec.ECDSA(_hash_for(key)))
    with atomic_write(path) as draft:
        draft.write_bytes(make_bundle(payload, signature, key_id(key.public_key())))
    return path


def find_signer(artifact: Artifact, card_sha256: str) -> str:
    """The name of the trusted key that signed an artifact with this card; "" when there is no signature.

    Raises ArtifactError for a signature that is damaged, by an unknown key, or of another card or artifact; and what
    `trusted_keys` raises.
    """
    path = signature_path(artifact)
    if not (path.exists() or path.is_symlink()):
        return ""
    bundle = read_bundle(path)
    signers = [name for name, key in trusted_keys().items() if _has_signed(key, bundle)]
    if not signers:
        hint = bundle.verification_material.public_key.hint
        raise ArtifactError(
            f"{path} is not by a trusted key (it names the key {hint[:8] or '-'!r})",
            fix="Get the public key in a way that you trust from who signed it, then:\n    temper trustkey FILE",
        )
    signed, name = signed_files(bundle.dsse_envelope.payload, path), artifact.card_path.name
    if name not in signed:
        others = ", ".join(sorted(signed)[:2])
        raise ArtifactError(
            f"{path} is the signature of another artifact, or of one that was renamed ({others})",
            fix=SIGN_AGAIN.format(artifact.path),
        )
    if signed[name] != card_sha256:
        raise ArtifactError(
            f"{artifact.card_path} was changed or replaced after {path.name} was made",
            fix=SIGN_AGAIN.format(artifact.path),
        )
    return signers[0]


def _has_signed(key: "EllipticCurvePublicKey", bundle: Bundle) -> bool:
    from cryptography.exceptions import InvalidSignature

    ec, _, _ = import_cryptography()
    message = signed_bytes(bundle.dsse_envelope.payload)
    for each in bundle.dsse_envelope.signatures:
        try:
            key.verify(each.sig, message, ec.ECDSA(_hash_for(key)))
            return True
        except InvalidSignature:
            continue
    return False


def _hash_for(key: "EllipticCurvePrivateKey | EllipticCurvePublicKey") -> Any:
    _, hashes, _ = import_cryptography()
    return {256: hashes.SHA256, 384: hashes.SHA384, 521: hashes.SHA512}[key.curve.key_size]()
