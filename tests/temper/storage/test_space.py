import errno
import resource
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from temper.errors import ResourceError, UsageError
from temper.storage.atomic import scratch_beside
from temper.storage.space import MIN_BYTES, check_space, explain_full_disk, free_bytes

Usage = namedtuple("Usage", "free")
Disk = Callable[[int], None]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Sets how many bytes are free on every file system."""
    return lambda free: monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free))


def test_work_that_needs_more_than_is_free_does_not_begin(tmp_path: Path, disk: Disk) -> None:
    disk(10_000_000)
    check_space({tmp_path: 10_000_000}, "the training")
    with pytest.raises(ResourceError, match=r"the training writes about 10\.0 MB to .*, where 10\.0 MB are free"):
        check_space({tmp_path: 10_000_001}, "the training")


def test_folders_of_one_file_system_share_its_space(tmp_path: Path, disk: Disk) -> None:
    disk(1_000_000)
    check_space({tmp_path: 500_000, tmp_path / "new" / "folder": 500_000}, "it")
    with pytest.raises(ResourceError, match=r"about 1\.2 MB"):
        check_space({tmp_path: 600_000, tmp_path / "new" / "folder": 600_000}, "it")


def test_a_full_disk_is_no_place_for_the_smallest_work(tmp_path: Path, disk: Disk) -> None:
    disk(MIN_BYTES - 1)
    with pytest.raises(ResourceError):
        check_space({tmp_path: 1}, "it")


def test_the_limit_of_the_size_of_a_file_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (12_345, resource.RLIM_INFINITY))
    assert free_bytes(tmp_path / "not there yet") == 12_345


@pytest.mark.parametrize("error", [RuntimeError("basic_ios::clear: iostream error"), ValueError("protobuf")])
def test_an_error_of_a_library_on_a_full_disk_names_the_disk(tmp_path: Path, disk: Disk, error: Exception) -> None:
    expected = rf"stopped for lack of space in {tmp_path}\. Free"
    with (
        pytest.raises(ResourceError, match=expected) as raised,
        scratch_beside(tmp_path / "model.onnx") as scratch,
        explain_full_disk({scratch: 1_000_000}, "the conversion"),
    ):
        (scratch / "half").write_bytes(bytes(400_000))
        disk(100_000)
        raise error
    assert raised.value.__cause__ is error


def test_other_errors_stay_what_they_are(tmp_path: Path, disk: Disk) -> None:
    with scratch_beside(tmp_path / "model.onnx") as scratch:
        (scratch / "half").write_bytes(bytes(400_000))
        disk(600_000)
        with pytest.raises(RuntimeError, match="a bug"), explain_full_disk({scratch: 1_000_000}, "it"):
            raise RuntimeError("a bug")
        disk(0)
        with pytest.raises(UsageError), explain_full_disk({scratch: 1_000_000}, "it"):
            raise UsageError("another mistake")
        with explain_full_disk({scratch: 1_000_000}, "it"):
            pass


@pytest.mark.parametrize("cause", ["No space left on device", "Input/output error"])
def test_an_error_of_the_disk_in_the_words_of_a_library_is_one_of_the_disk(
    tmp_path: Path, disk: Disk, cause: str
) -> None:
    disk(10_000_000)
    expected = f"it stopped: {cause[0].lower()}{cause[1:]}. Free space, check the disk"
    with pytest.raises(ResourceError, match=expected), explain_full_disk({tmp_path: 1_000_000}, "it"):
        raise RuntimeError(f"{{function_node}} /tmp/x/variables; {cause} [Op:MergeV2Checkpoints]")


def test_the_cause_that_the_system_gives_is_kept(tmp_path: Path, disk: Disk) -> None:
    disk(10_000_000)
    with pytest.raises(OSError, match="quota"), explain_full_disk({tmp_path: 1_000_000}, "it"):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")
