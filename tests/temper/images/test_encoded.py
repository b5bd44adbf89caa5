import os
import socket
import threading
from pathlib import Path

import pytest

from temper.errors import UnreadableImage
from temper.images import load_image, open_regular, read_image


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UnreadableImage, match=r"pipe\.png is not a regular file"):
        load_image(tmp_path / "pipe.png", 8)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no such sockets")
def test_a_socket_a_device_and_a_folder_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
        for path in (Path("socket.png"), Path(os.devnull), tmp_path):
            with pytest.raises(UnreadableImage, match="is not a regular file"):
                load_image(path, 8)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="does not exist"):
        load_image(tmp_path / "none.jpg", 8)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_who_writes_to_a_named_pipe_goes_on_waiting(tmp_path: Path) -> None:
    """Opening it for a moment would end the other program with SIGPIPE."""
    pipe, written = tmp_path / "pipe.png", []
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: written.append(pipe.write_bytes(b"x")), daemon=True)
    writer.start()
    for _ in range(20):
        with pytest.raises(UnreadableImage, match="is not a regular file"):
            open_regular(pipe)
    assert not written
    assert pipe.read_bytes() == b"x"
    writer.join(9)
    assert written == [1]


def test_a_file_that_becomes_a_pipe_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    monkeypatch.setattr(os, "open", lambda path, flags: os.pipe()[0])
    with pytest.raises(UnreadableImage, match=r"a\.png is not a regular file"):
        open_regular(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["n" * 300, "a\0.png", "a/\ud800.png"])
def test_a_name_that_no_file_can_have_is_refused(name: str) -> None:
    with pytest.raises(UnreadableImage, match="cannot be read"):
        read_image(Path(name))
    with pytest.raises(UnreadableImage, match="cannot be read"):
        load_image(Path(name), 8)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_without_permission_is_not_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch(0)
    with pytest.raises(UnreadableImage, match=r"a\.png cannot be read \(Permission denied\)"):
        load_image(tmp_path / "a.png", 8)
