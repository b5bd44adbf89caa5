import os
from pathlib import Path

import pytest

from temper.errors import ResourceError
from temper.trust.private import check_private, make_private


def test_a_new_folder_is_for_this_user_alone(tmp_path: Path) -> None:
    folder = make_private(tmp_path / "parent" / "folder")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert make_private(folder) == folder


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(ResourceError, match="can be written by other users") as caught:
        make_private(tmp_path)
    assert caught.value.fix.endswith(f"chmod go-w {tmp_path}")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    os.chown(path, 65534, -1)
    with pytest.raises(ResourceError, match="belongs to another user"):
        check_private(tmp_path, path)
