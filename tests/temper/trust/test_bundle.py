import hashlib
import json
from pathlib import Path

import pytest

from temper.errors import ArtifactError
from temper.trust.bundle import Resource, make_bundle, make_statement, read_bundle, signed_bytes, signed_files

DIGESTS = ["aa" * 32, "0f" * 32]
FILES = [Resource("model.plan.json", DIGESTS[0]), Resource("model.plan", DIGESTS[1])]


def test_a_statement_lists_files_by_name_and_their_common_hash() -> None:
    statement = json.loads(make_statement("model.plan", FILES))
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://model_signing/signature/v1.0"
    assert [each["name"] for each in statement["predicate"]["resources"]] == ["model.plan", "model.plan.json"]
    total = hashlib.sha256(bytes.fromhex(DIGESTS[1]) + bytes.fromhex(DIGESTS[0])).hexdigest()
    assert statement["subject"] == [{"name": "model.plan", "digest": {"sha256": total}}]


def test_what_is_signed_names_the_type_and_length_of_the_payload() -> None:
    assert signed_bytes(b"{}") == b"DSSEv1 28 application/vnd.in-toto+json 2 {}"


def test_a_bundle_is_read_as_it_was_made(tmp_path: Path) -> None:
    path = tmp_path / "model.plan.sig"
    payload = make_statement("model.plan", FILES)
    path.write_bytes(make_bundle(payload, b"signature", "id"))
    bundle = read_bundle(path)
    assert (bundle.dsse_envelope.payload, bundle.dsse_envelope.signatures[0].sig) == (payload, b"signature")
    assert bundle.verification_material.public_key.hint == "id"
    assert signed_files(payload, path) == {"model.plan.json": DIGESTS[0], "model.plan": DIGESTS[1]}


@pytest.mark.parametrize("payload", [b"", b"{}", make_statement("x", []).replace(b"v1.0", b"v2.0")])
def test_a_statement_of_another_kind_is_refused(payload: bytes) -> None:
    with pytest.raises(ArtifactError, match="signs something else than a model"):
        signed_files(payload, Path("model.plan.sig"))


def test_a_file_with_another_hash_is_not_listed() -> None:
    payload = make_statement("model.plan", [Resource("model.plan.json", DIGESTS[0], "blake2b")])
    assert signed_files(payload, Path("model.plan.sig")) == {}
