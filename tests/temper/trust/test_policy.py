import shutil
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from temper.artifact import Artifact
from temper.card import write_card
from temper.errors import ArtifactError, MissingRuntime, ResourceError
from temper.formats import FORMATS
from temper.trust import keys, policy
from temper.trust.policy import authenticate, check_signature, origin_of, trust_by_hand
from temper.trust.records import record_made_here, state_folder
from temper.trust.signature import sign, signature_path
from tests import tiny


def test_plans_and_folders_of_tensorflow_are_programs_and_the_other_formats_are_data() -> None:
    assert {each.suffix for each in FORMATS if each.is_program} == {".plan", ".savedmodel", ".tftrt"}


def test_a_program_of_unknown_origin_is_refused_with_the_way_to_trust_it(plan: Artifact) -> None:
    with pytest.raises(ArtifactError, match="was neither made here by this user nor signed") as caught:
        authenticate(plan)
    assert caught.value.fix.endswith(f"temper verify {plan.path} --trust")
    assert caught.value.exit_code == 4


def test_a_program_that_was_made_here_is_accepted_with_its_card(plan: Artifact) -> None:
    record_made_here(plan)
    assert authenticate(plan)
    assert str(origin_of(plan)) == "made here"


def test_a_program_that_a_trusted_key_signed_is_accepted_with_its_card(plan: Artifact) -> None:
    sign(plan, keys.own_key())
    assert authenticate(plan)
    (name,) = keys.trusted_keys()
    assert str(origin_of(plan)) == f"signed by {name}"


def test_a_program_that_was_trusted_by_hand_is_accepted_without_its_card(plan: Artifact) -> None:
    trust_by_hand(plan)
    assert not authenticate(plan)
    assert str(origin_of(plan)) == "trusted by hand"
    write_card(plan.path, plan.card.changed(labels=("red", "blue")))
    with pytest.raises(ArtifactError, match="was neither made here"):
        authenticate(plan)


def test_a_damaged_program_cannot_be_trusted_by_hand(plan: Artifact) -> None:
    plan.path.write_bytes(b"other code!")
    with pytest.raises(ArtifactError, match="is not the file that its card describes"):
        trust_by_hand(plan)
    assert not state_folder().exists()


def test_an_unknown_key_is_named_beside_the_refusal(plan: Artifact) -> None:
    sign(plan, ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(ArtifactError, match=r"nor signed by a trusted key: .*\.sig is not by a trusted key") as caught:
        authenticate(plan)
    assert "temper trustkey FILE" in caught.value.fix
    assert "--trust" in caught.value.fix


def test_keys_that_others_can_write_are_not_believed(plan: Artifact) -> None:
    sign(plan, keys.own_key())
    keys.trusted_folder().chmod(0o777)
    with pytest.raises(ResourceError, match="can be written by other users"):
        authenticate(plan)


def test_without_cryptography_a_signed_program_is_refused_with_the_extra(
    plan: Artifact, onnx: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(plan, keys.own_key())
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)
    with pytest.raises(MissingRuntime, match="signatures need the package") as caught:
        authenticate(plan)
    assert "pip install cryptography" in caught.value.fix
    record_made_here(plan)
    assert authenticate(plan), "what was made here needs no signature"
    assert not authenticate(onnx), "neither does data"


def test_data_from_elsewhere_is_accepted_without_a_look_at_its_signature(onnx: Artifact) -> None:
    signature_path(onnx).write_text("damaged")
    assert not authenticate(onnx)


@pytest.mark.parametrize("made_here", [True, False])
def test_where_signatures_are_required_nothing_else_counts(
    onnx: Artifact, monkeypatch: pytest.MonkeyPatch, made_here: bool
) -> None:
    if made_here:
        record_made_here(onnx)
    with pytest.raises(ArtifactError, match="is not signed, and a signature is required"):
        authenticate(onnx, require_signature=True)
    monkeypatch.setenv(policy.VARIABLE, "1")
    with pytest.raises(ArtifactError, match="is not signed, and a signature is required"):
        authenticate(onnx)
    sign(onnx, keys.own_key())
    assert authenticate(onnx)
    assert check_signature(onnx) in keys.trusted_keys()


@pytest.mark.parametrize(("value", "required"), [("", False), ("0", False), ("1", True), ("yes", True)])
def test_the_variable_asks_for_signatures(value: str, required: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(policy.VARIABLE, value)
    assert policy.is_signature_required() == required


def test_the_card_that_was_looked_at_is_the_one_in_use(plan: Artifact) -> None:
    """A card that was read before another one was put in its place decides nothing."""
    swapped = Artifact.at(plan.path)
    assert swapped.card.labels == tiny.LABELS
    write_card(plan.path, plan.card.changed(labels=("red", "blue")))
    record_made_here(Artifact.at(plan.path))
    assert authenticate(swapped)
    assert swapped.card.labels == ("red", "blue")


def test_a_copy_that_was_made_here_is_known_under_any_name(plan: Artifact, tmp_path: Path) -> None:
    record_made_here(plan)
    shutil.copy(plan.path, tmp_path / "copy.plan")
    shutil.copy(plan.card_path, tmp_path / "copy.plan.json")
    assert authenticate(Artifact.at(tmp_path / "copy.plan"))
