import json
from pathlib import Path

import pytest

from experiments.folders import kills


@pytest.mark.programs
def test_killed_jobs_end_with_one_row_for_each_image(made_bundle: Path, tmp_path: Path) -> None:
    artifact, photos = made_bundle.with_name("model.fp32.onnx"), made_bundle.parent / "images"
    words = ["--artifact", str(artifact), "--photos", str(photos), "--images", "800", "--kills", "2"]
    assert kills.run(kills.parse([*words, "--out", str(tmp_path / "kills.md")])) == 0
    text = (tmp_path / "kills.md").read_text()
    assert "Kills: 2. Rows: 800. Unique by file and content: 800. Images without a row: 0." in text
    assert (
        "Damaged images marked: 2 of 2; others marked: 0. Rows whose label differs from that without kills: 0" in text
    )


def test_a_lost_a_repeated_and_a_wrong_row_are_counted(made_bundle: Path, tmp_path: Path) -> None:
    from experiments.folders.jobs import resize_photos
    from temper.cli.progress import no_progress

    photos = resize_photos(made_bundle.parent / "images", tmp_path / "photos", 3, no_progress)
    images = kills.plant(photos, tmp_path / "images", 4)
    names = sorted(str(path) for path in images.iterdir())
    row = {"file": names[1], "sha256": "ab", "label": "nonsense", "error": ""}
    (tmp_path / "out.jsonl").write_text(f"{json.dumps(row)}\n" * 2)
    check = kills.check_rows(made_bundle.with_name("model.fp32.onnx"), images, tmp_path / "out.jsonl")
    assert (check.rows, check.unique, check.missing, check.damaged_marked, check.wrong) == (2, 1, 3, 0, 2)
    assert not check.is_right(images=4, damaged=1)


def test_rows_of_a_file_that_grows_and_shrinks_are_counted(tmp_path: Path) -> None:
    rows = kills.RowCounter(tmp_path / "rows")
    assert rows.count() == 0
    counts = []
    for content in (b"a\nb", b"a\nb\nc\nd", b"a\nb\nc\n"):
        (tmp_path / "rows").write_bytes(content)
        counts.append(rows.count())
    assert counts == [1, 3, 3]
