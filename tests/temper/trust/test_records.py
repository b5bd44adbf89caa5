import shutil
from pathlib import Path

import pytest

from temper.artifact import Artifact
from temper.card import write_card
from temper.errors import ResourceError
from temper.trust.records import is_recorded, record, record_made_here, state_folder


def is_made_here(artifact: Artifact) -> bool:
    return is_recorded("made-here", artifact, artifact.card_sha256())


def test_what_was_recorded_is_known_wherever_it_is_moved(plan: Artifact, tmp_path: Path) -> None:
    assert not is_made_here(plan)
    record_made_here(plan)
    assert is_made_here(plan)
    for file in (plan.path, plan.card_path):
        shutil.copy(file, tmp_path / file.name.replace("model", "renamed"))
    assert is_made_here(Artifact.at(tmp_path / "renamed.fp32.plan"))


def test_a_changed_card_is_not_the_one_that_was_recorded(plan: Artifact) -> None:
    record_made_here(plan)
    write_card(plan.path, plan.card.changed(labels=("red", "blue")))
    assert not is_made_here(plan)


def test_the_two_kinds_of_records_are_separate(plan: Artifact) -> None:
    record("trusted-by-hand", plan, plan.card_sha256())
    assert not is_made_here(plan)


def test_a_file_that_was_made_for_one_runtime_is_unknown_to_another(onnx: Artifact) -> None:
    record_made_here(onnx)
    plan = onnx.path.with_suffix(".plan")
    shutil.copy(onnx.path, plan)
    shutil.copy(onnx.card_path, plan.with_name(f"{plan.name}.json"))
    assert Artifact.at(plan).verified().card == onnx.card
    assert not is_made_here(Artifact.at(plan))


def test_records_are_readable_by_this_user_alone(plan: Artifact) -> None:
    record_made_here(plan)
    (path,) = (state_folder() / "made-here").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.read_text() == "model.fp32.plan\n"


def test_records_that_others_can_write_are_not_believed(plan: Artifact) -> None:
    record_made_here(plan)
    (state_folder() / "made-here").chmod(0o777)
    with pytest.raises(ResourceError, match="can be written by other users"):
        is_made_here(plan)


def test_where_nothing_can_be_recorded_a_warning_says_so(plan: Artifact, caplog: pytest.LogCaptureFixture) -> None:
    state_folder().parent.mkdir(parents=True)
    state_folder().write_text("a file")
    record_made_here(plan)
    assert "model.fp32.plan: it could not be recorded that it was made here: " in caplog.text
