import logging
import resource
from collections.abc import Iterator

import pytest

from temper.errors import ResourceError
from temper.serve.open_files import OTHER_FILES, limited_by_open_files
from temper.serve.settings import Limits


@pytest.fixture
def low_limit() -> Iterator[None]:
    """Of this process, so low that the default limits do not fit; restored afterwards."""
    former = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (900, former[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, former)


@pytest.mark.usefixtures("low_limit")
def test_the_soft_limit_is_raised_for_all_connections() -> None:
    assert limited_by_open_files(Limits()) == Limits()
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 2 * Limits().connections


def test_below_a_hard_limit_fewer_connections_are_allowed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # A hard limit that was lowered cannot be raised again by every user.
    monkeypatch.setattr(resource, "getrlimit", lambda _: (900, 900))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    with caplog.at_level(logging.WARNING):
        assert limited_by_open_files(Limits()).connections == (900 - OTHER_FILES) // 2
    assert "connections: the server may open 900 files" in caplog.text
    monkeypatch.setattr(resource, "getrlimit", lambda _: (OTHER_FILES, OTHER_FILES))
    with pytest.raises(ResourceError, match="may open 128 files only"):
        limited_by_open_files(Limits())
