import subprocess
import sys
from pathlib import Path

import pytest

from experiments.ray_jobs.jobs import Check, check, finish, kill, make_job, started, wait_until
from experiments.support import descendants
from temper.infer.parquet import schema


def test_a_job_has_as_many_damaged_images_as_asked_for(tmp_path: Path) -> None:
    job = make_job(tmp_path, 30, 3)
    paths = list(job.images.rglob("*.png"))
    assert len(paths) == 30
    assert sum(b"damaged" in path.read_bytes() for path in paths) == 3
    assert "--ray" in job.command("auto") and str(job.out) in job.command("auto")


def test_a_check_counts_what_is_missing_twice_and_wrong(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    import temper
    from temper.infer.rows import row_of

    job = make_job(tmp_path, 12, 2)
    with temper.load(job.artifact) as classifier:
        rows = [row_of(each) for each in classifier(job.images)]
    job.out.mkdir()

    def result(rows: list[dict[str, object]]) -> Check:
        pyarrow.parquet.write_table(arrow.Table.from_pylist(rows, schema=schema()), job.out / "part-0.parquet")
        assert job.rows() == len(rows)
        return check(job)

    assert result(rows) == Check(rows=12, missing=0, twice=0, damaged_marked=2, wrong=0, leftovers=0)
    assert result(rows).is_right
    assert result(rows[1:]).missing == 1
    assert result([*rows, rows[0]]).twice == 1
    assert result([{**rows[0], "label": "green"}, *rows[1:]]).wrong == 1
    (job.out / "_writing-1").mkdir()
    assert result(rows).leftovers == 1


def test_processes_of_processes_are_seen_and_ended(tmp_path: Path) -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60) # inner'])"
    with started([sys.executable, "-c", code]) as process:
        assert wait_until(lambda: bool(descendants(process.pid, "inner")), process)
        (inner,) = descendants(process.pid, "sleep(60) # inner")
    assert not Path(f"/proc/{inner}/cmdline").exists() or not Path(f"/proc/{inner}/cmdline").read_bytes()
    kill(process.pid)


def test_the_end_of_a_process_ends_the_wait_for_it() -> None:
    with started([sys.executable, "-c", "print('done')"], stdin=subprocess.DEVNULL) as process:
        assert finish(process) == (0, "done\n")
        assert not wait_until(lambda: False, process)
