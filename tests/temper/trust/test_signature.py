import json
import os
import shutil
import subprocess
import sys
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from temper.artifact import Artifact
from temper.card import write_card
from temper.errors import ArtifactError
from temper.trust.keys import add_trusted_key, own_key, own_public_key
from temper.trust.signature import find_signer, sign, signature_path
from tests import tiny

MADE_BY_MODEL_SIGNING = Path(__file__).with_name("model_signing")


def signer_of(artifact: Artifact) -> str:
    return find_signer(artifact, artifact.card_sha256())


def change(path: Path, part: str, **fields: object) -> None:
    """Change fields in a part of a signature file."""
    bundle = json.loads(path.read_bytes())
    bundle[part] |= fields
    path.write_text(json.dumps(bundle))


def test_a_signature_by_the_own_key_names_it(plan: Artifact) -> None:
    assert signer_of(plan) == ""
    assert sign(plan, own_key()) == plan.path.with_name("model.fp32.plan.sig")
    assert signer_of(plan)
    sign(plan, own_key())
    assert signer_of(plan)


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP521R1()])
def test_longer_keys_sign_too(plan: Artifact, curve: ec.EllipticCurve, monkeypatch: pytest.MonkeyPatch) -> None:
    key = ec.generate_private_key(curve)
    monkeypatch.setattr("temper.trust.signature.trusted_keys", lambda: {"long": key.public_key()})
    sign(plan, key)
    assert signer_of(plan) == "long"


def test_a_signature_lists_every_file_of_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "model.savedmodel"
    (folder / "variables").mkdir(parents=True)
    for name in ("saved_model.pb", "variables/data"):
        (folder / name).write_text(name)
    artifact = tiny.with_card(folder)
    payload = json.loads(b64decode(json.loads(sign(artifact, own_key()).read_bytes())["dsseEnvelope"]["payload"]))
    names = [each["name"] for each in payload["predicate"]["resources"]]
    assert names == ["model.savedmodel.json", "model.savedmodel/saved_model.pb", "model.savedmodel/variables/data"]


def test_a_key_that_is_not_trusted_is_refused_by_its_name(plan: Artifact) -> None:
    own_key()
    sign(plan, ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(ArtifactError, match=r"\.sig is not by a trusted key \(it names the key '\w{8}'\)") as caught:
        signer_of(plan)
    assert "temper trustkey FILE" in caught.value.fix


def test_a_signature_does_not_choose_the_key_that_checks_it(plan: Artifact) -> None:
    trusted = json.loads(sign(plan, own_key()).read_bytes())["verificationMaterial"]
    sign(plan, ec.generate_private_key(ec.SECP256R1()))
    change(signature_path(plan), "verificationMaterial", **trusted)
    with pytest.raises(ArtifactError, match="is not by a trusted key"):
        signer_of(plan)


def test_a_changed_card_is_refused(plan: Artifact) -> None:
    sign(plan, own_key())
    write_card(plan.path, plan.card.changed(labels=("red", "blue")))
    with pytest.raises(ArtifactError, match=r"model\.fp32\.plan\.json was changed or replaced"):
        signer_of(plan)


def test_a_changed_file_is_refused_by_the_card_and_cannot_be_signed(plan: Artifact) -> None:
    sign(plan, own_key())
    plan.path.write_bytes(b"other code!")
    assert signer_of(plan), "the signature covers the card, and the card the file"
    with pytest.raises(ArtifactError, match="is not the file that its card describes"):
        plan.verified()
    with pytest.raises(ArtifactError, match="is not the file that its card describes"):
        sign(plan, own_key())


def test_the_signature_of_another_artifact_is_refused(plan: Artifact, onnx: Artifact) -> None:
    sign(onnx, own_key())
    shutil.copy(signature_path(onnx), signature_path(plan))
    with pytest.raises(ArtifactError, match=r"is the signature of another artifact, .* \(model\.fp32\.onnx, "):
        signer_of(plan)


def test_a_signed_artifact_cannot_stand_in_for_one_of_another_name(plan: Artifact) -> None:
    sign(plan, own_key())
    other = Artifact.at(plan.path.with_name("other.fp32.plan"))
    shutil.copy(plan.path, other.path)
    shutil.copy(plan.card_path, other.card_path)
    shutil.copy(signature_path(plan), signature_path(other))
    with pytest.raises(ArtifactError, match="or of one that was renamed"):
        signer_of(other)


def test_every_changed_byte_of_the_statement_is_refused(plan: Artifact) -> None:
    path = sign(plan, own_key())
    payload = b64decode(json.loads(path.read_bytes())["dsseEnvelope"]["payload"])
    for position in range(0, len(payload), 7):
        changed = bytearray(payload)
        changed[position] ^= 1
        change(path, "dsseEnvelope", payload=b64encode(changed).decode())
        with pytest.raises(ArtifactError):
            signer_of(plan)


def test_a_truncated_signature_is_refused_wherever_it_ends(plan: Artifact) -> None:
    path = sign(plan, own_key())
    content = path.read_bytes()
    for length in range(0, len(content), 50):
        path.write_bytes(content[:length])
        with pytest.raises(ArtifactError, match="is no signature"):
            signer_of(plan)


@pytest.mark.parametrize("content", ["[]", "{}", "[" * 100_000, '{"mediaType": 1}', "null", "\x00"])
def test_a_file_that_is_no_signature_is_refused_and_not_replaced(plan: Artifact, content: str) -> None:
    signature_path(plan).write_text(content)
    with pytest.raises(ArtifactError, match="is no signature"):
        signer_of(plan)
    with pytest.raises(ArtifactError, match="is no signature"):
        sign(plan, own_key())
    assert signature_path(plan).read_text() == content


def test_a_signature_of_a_gigabyte_is_refused_unread(plan: Artifact) -> None:
    with signature_path(plan).open("wb") as stream:
        stream.truncate(1 << 30)
    with pytest.raises(ArtifactError, match="has more than the 1 MiB that such a file may have"):
        signer_of(plan)


def test_a_signature_that_is_a_pipe_or_a_broken_link_is_refused(plan: Artifact) -> None:
    os.mkfifo(signature_path(plan))
    with pytest.raises(ArtifactError, match="is not a regular file"):
        signer_of(plan)
    signature_path(plan).unlink()
    signature_path(plan).symlink_to("nowhere")
    with pytest.raises(ArtifactError, match="cannot be read"):
        signer_of(plan)


def test_a_signature_that_was_made_by_openssf_model_signing_is_accepted(plan: Artifact) -> None:
    """With `model_signing sign key` 1.1.1, of a folder with a plan and this card."""
    card_sha256 = "bd88f3d4ebb4baa1955170a0c93b8654b2c2596dd9d01bcb4a1c637fa253ef43"
    shutil.copy(MADE_BY_MODEL_SIGNING / "model.fp32.plan.sig", signature_path(plan))
    add_trusted_key(MADE_BY_MODEL_SIGNING / "builder.pub")
    assert find_signer(plan, card_sha256) == "builder"
    with pytest.raises(ArtifactError, match="was changed or replaced"):
        find_signer(plan, card_sha256[::-1])


@pytest.mark.slow
@pytest.mark.programs
def test_openssf_model_signing_accepts_a_signature(plan: Artifact, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    # Version 1.1.1 imports pyOpenSSL and does not require it.
    pip = [str(environment / "bin" / "pip"), "install", "--quiet", "model-signing==1.1.1", "pyOpenSSL"]
    subprocess.run(pip, check=True)
    signature, public = sign(plan, own_key()), own_public_key(own_key())
    verify = [str(environment / "bin" / "model_signing"), "verify", "key", str(plan.path.parent)]
    verify += ["--signature", str(signature), "--public_key", str(public), "--ignore_unsigned_files"]
    assert subprocess.run(verify).returncode == 0
    plan.path.write_bytes(b"other code!")
    assert subprocess.run(verify).returncode != 0
