import json
from pathlib import Path
from typing import Any

import pytest

from temper.cluster.output import PARTS, SETTINGS, Run, open_output, recover_parts
from temper.errors import DataError, ResourceError, UsageError
from temper.infer.job_settings import JobSettings
from temper.infer.journal import key_of
from temper.infer.parquet import schema

SETTINGS_OF_JOB = JobSettings(artifact="a.onnx", sha256="1", top_k=1, threshold=None)


def table(*rows: tuple[str, str, str]) -> Any:
    """Rows with a path, a SHA-256 and an error."""
    arrow = pytest.importorskip("pyarrow")
    rest: dict[str, Any] = {"label": "", "probability": None, "unknown": None, "predictions": []}
    return arrow.Table.from_pylist(
        [{"file": file, "sha256": sha256, "error": error, **rest} for file, sha256, error in rows], schema=schema()
    )


def test_what_one_run_has_written_is_done_in_the_next(tmp_path: Path) -> None:
    with open_output(tmp_path / "out", SETTINGS_OF_JOB) as (run, written):
        assert key_of("a.png", "1") not in written
        run.write_part(0, table(("a.png", "1", ""), ("b.png", "2", "b.png is damaged")))
    with open_output(tmp_path / "out", SETTINGS_OF_JOB) as (_, written):
        assert key_of("a.png", "1") in written and key_of("b.png", "2") in written
        assert key_of("a.png", "changed") not in written
        assert written.failed == 1


def test_the_same_chunk_again_replaces_its_part_and_a_chunk_of_another_run_does_not(tmp_path: Path) -> None:
    for _ in range(2):
        with open_output(tmp_path, SETTINGS_OF_JOB) as (run, _):
            run.write_part(0, table(("a.png", "1", "")))
            run.write_part(0, table(("a.png", "1", "")))
    assert len(list(tmp_path.glob(PARTS))) == 2


def test_a_task_of_a_killed_run_cannot_write_once_the_next_run_has_begun(tmp_path: Path) -> None:
    open_output(tmp_path, SETTINGS_OF_JOB).__enter__()
    killed = Run(out=str(tmp_path), name="killed")
    killed.folder.mkdir()
    (killed.folder / "torn").write_bytes(b"PAR1")
    with open_output(tmp_path, SETTINGS_OF_JOB) as (run, _):
        assert not killed.folder.exists()
        with pytest.raises(FileNotFoundError):
            killed.write_part(0, table(("a.png", "1", "")))
        run.write_part(0, table(("b.png", "2", "")))
    assert sorted(each.name[:5] for each in tmp_path.iterdir()) == ["_job.", "part-"]


def test_what_could_not_be_read_at_all_is_tried_again(tmp_path: Path) -> None:
    with open_output(tmp_path, SETTINGS_OF_JOB) as (run, _):
        run.write_part(0, table(("a.png", "1", ""), ("gone.png", "", "gone.png does not exist")))
        run.write_part(1, table(("gone2.png", "", "gone2.png does not exist")))
    written = recover_parts(tmp_path)
    assert key_of("a.png", "1") in written and key_of("gone.png", "") not in written
    import pyarrow.parquet

    assert pyarrow.parquet.read_table(tmp_path)["file"].to_pylist() == ["a.png"]


def test_an_image_on_a_server_is_known_by_its_address(tmp_path: Path) -> None:
    with open_output(tmp_path, SETTINGS_OF_JOB) as (run, _):
        run.write_part(0, table(("https://a/b.png", "1", "")))
    assert key_of("https://a/b.png", "") in recover_parts(tmp_path)


def test_another_artifact_is_refused_and_one_of_another_name_is_not(tmp_path: Path) -> None:
    with open_output(tmp_path, SETTINGS_OF_JOB):
        pass
    renamed = JobSettings(artifact="b.onnx", sha256="1", top_k=1, threshold=None)
    with open_output(tmp_path, renamed):
        pass
    for other in (
        JobSettings(artifact="a.onnx", sha256="2", top_k=1, threshold=None),
        JobSettings(artifact="a.onnx", sha256="1", top_k=2, threshold=None),
        JobSettings(artifact="a.onnx", sha256="1", top_k=1, threshold=0.5),
    ):
        with pytest.raises(UsageError, match=r"begun with a\.onnx and other settings"), open_output(tmp_path, other):
            pass
    assert json.loads((tmp_path / SETTINGS).read_text())["sha256"] == "1"


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    for path, message in (
        (tmp_path, "is not empty"),
        (tmp_path / "notes.txt", "is a file"),
        (tmp_path / "rows.csv", "Name a folder, such as .*rows"),
    ):
        with pytest.raises(UsageError, match=message), open_output(path, SETTINGS_OF_JOB):
            pass
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]


def test_two_commands_do_not_write_one_folder(tmp_path: Path) -> None:
    with (
        open_output(tmp_path, SETTINGS_OF_JOB),
        pytest.raises(ResourceError, match="another command"),
        open_output(tmp_path, SETTINGS_OF_JOB),
    ):
        pass


def test_damaged_files_are_reported_with_what_to_do(tmp_path: Path) -> None:
    with open_output(tmp_path, SETTINGS_OF_JOB):
        pass
    (tmp_path / "part-0-0.parquet").write_bytes(b"no")
    with pytest.raises(DataError, match="classified again"), open_output(tmp_path, SETTINGS_OF_JOB):
        pass
    (tmp_path / SETTINGS).write_text("[")
    with pytest.raises(DataError, match="is damaged"), open_output(tmp_path, SETTINGS_OF_JOB):
        pass
