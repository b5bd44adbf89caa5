import os
from pathlib import Path

import pytest

from temper.artifact import Artifact
from temper.errors import ArtifactError
from temper.storage.publish import finish_publication, journal_of
from tests.temper.storage.test_publish import publish_set


@pytest.mark.parametrize("kind", ["pipe", "link", "file"])
def test_what_has_the_name_of_the_journal_is_named_and_stays(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "artifacts" / "model.onnx"
    journal, elsewhere = journal_of(target), tmp_path / "elsewhere"
    target.parent.mkdir()
    elsewhere.mkdir()
    (elsewhere / "thesis.txt").touch()
    if kind == "pipe":
        os.mkfifo(journal)
    elif kind == "link":
        journal.symlink_to(elsewhere)
    else:
        journal.touch()
    with pytest.raises(ArtifactError, match=rf"\.model\.onnx\.publish is a .*{kind}.* Move it away"):
        publish_set(target.parent, {"model.onnx": "", "model.onnx.json": ""}, "new")
    finish_publication(target)
    assert (elsewhere / "thesis.txt").exists() and not target.exists()
    with pytest.raises(ArtifactError, match="Move it away"):
        Artifact.at(target).refuse_foreign()
