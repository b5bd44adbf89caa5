import errno
import os
from pathlib import Path

import pytest

from temper.errors import DataError
from temper.infer.journal import Journal, header, key_of, read_rows, recover
from temper.infer.results import Prediction, Result
from temper.infer.rows import Form, encode_rows, row_of

FORMS = pytest.mark.parametrize("form", ["jsonl", "csv"])


def good(number: int) -> Result:
    return Result(source=f'{number} "x"\n.jpg', sha256=f"{number:064}", predictions=(Prediction("cat", 0.75),))


DAMAGED = Result(source="bad.jpg", sha256="ff", error="bad.jpg is damaged")
MISSING = Result(source="none.jpg", error="none.jpg does not exist")


def write(path: Path, form: Form, *results: Result) -> Path:
    with Journal(path, form) as journal:
        for each in results:
            journal.write([row_of(each)])
    return path


def files(path: Path, form: Form) -> list[str]:
    return [row["file"] for _, row in read_rows(path, form)]


@FORMS
def test_rows_are_appended_and_read_again(form: Form, tmp_path: Path) -> None:
    path = write(tmp_path / "rows", form, good(1))
    write(path, form, good(2), DAMAGED)
    assert [row for _, row in read_rows(path, form)] == [row_of(each) for each in (good(1), good(2), DAMAGED)]
    assert path.read_bytes().startswith(header() if form == "csv" else b"{")


@FORMS
def test_a_batch_is_on_the_disk_before_the_next_is_written(form: Form, tmp_path: Path) -> None:
    with Journal(tmp_path / "rows", form) as journal:
        journal.write([row_of(good(1)), row_of(good(2))])
        journal.write([row_of(good(3))])
        assert len(files(tmp_path / "rows", form)) >= 2
        journal.wait()
        assert len(files(tmp_path / "rows", form)) == 3


@FORMS
def test_a_row_that_is_torn_at_any_byte_is_cut(form: Form, tmp_path: Path) -> None:
    path = write(tmp_path / "rows", form, good(1))
    whole = path.read_bytes()
    last = encode_rows([row_of(good(2))], form)
    for length in range(len(last)):
        path.write_bytes(whole + last[:length])
        written = recover(path, form)
        assert path.read_bytes() == whole
        assert key_of(good(1).source, good(1).sha256) in written
        assert key_of(good(2).source, good(2).sha256) not in written


def test_a_torn_header_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(header()[:7])
    recover(path, "csv")
    write(path, "csv", good(1))
    assert files(path, "csv") == [good(1).source]


@FORMS
def test_damaged_images_are_done_and_missing_ones_are_tried_again(form: Form, tmp_path: Path) -> None:
    path = write(tmp_path / "rows", form, good(1), MISSING, DAMAGED, good(2))
    written = recover(path, form)
    assert files(path, form) == [good(1).source, "bad.jpg", good(2).source]
    assert written.failed == 1
    assert key_of("bad.jpg", "ff") in written
    assert key_of("none.jpg", "") not in written


def test_an_image_on_a_server_is_known_by_its_address(tmp_path: Path) -> None:
    url = "https://example.org/a.jpg"
    path = write(tmp_path / "rows", "jsonl", Result(source=url, sha256="ab", predictions=(Prediction("cat", 0.75),)))
    assert key_of(url, "") in recover(path, "jsonl")


def test_an_image_whose_content_changed_is_not_done(tmp_path: Path) -> None:
    written = recover(write(tmp_path / "rows", "jsonl", good(1)), "jsonl")
    assert key_of(good(1).source, "other") not in written


def test_without_a_file_nothing_is_done(tmp_path: Path) -> None:
    written = recover(tmp_path / "rows", "jsonl")
    assert (len(written.keys), written.failed, key_of("a", "b") in written) == (0, 0, False)


@pytest.mark.parametrize("damage", [b"nonsense", 100_000 * b"["], ids=["nonsense", "depth"])
@FORMS
def test_a_damaged_line_in_the_middle_is_an_error_and_nothing_is_cut(form: Form, damage: bytes, tmp_path: Path) -> None:
    path = write(tmp_path / "rows", form, good(1))
    content = path.read_bytes() + damage + b"\n" + encode_rows([row_of(good(2))], form)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"rows, row \d, is damaged"):
        recover(path, form)
    assert path.read_bytes() == content


def test_a_table_with_other_columns_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "rows").write_text("file,label\na.jpg,cat\n")
    with pytest.raises(DataError, match="another header"):
        recover(tmp_path / "rows", "csv")


def test_a_full_disk_is_an_error_of_the_next_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    journal = Journal(tmp_path / "rows", "jsonl")
    monkeypatch.setattr(os, "fsync", full)
    journal.write([row_of(good(1))])
    with pytest.raises(OSError, match="No space left"):
        journal.wait()
    with pytest.raises(OSError, match="No space left"):
        journal.close()


@pytest.mark.parametrize("name", ["caf\udce9.jpg", r"caf\xe9.jpg", "=1.jpg", "a\nb.jpg"])
@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_image_of_any_name_is_done_once_it_has_a_row(name: str, form: Form, tmp_path: Path) -> None:
    path = write(tmp_path / "rows", form, Result(source=name, sha256="9f", predictions=(Prediction("cat", 1.0),)))
    assert key_of(name, "9f") in recover(path, form)
