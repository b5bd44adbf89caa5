import pytest

from temper.closing import Closing


class Opened(Closing):
    closed = 0

    def close(self) -> None:
        self.closed += 1


def test_the_end_of_the_block_closes_it_once_also_after_an_error() -> None:
    with Opened() as opened:
        assert opened.closed == 0
    assert opened.closed == 1
    with pytest.raises(ZeroDivisionError), Opened() as failed:
        raise ZeroDivisionError
    assert failed.closed == 1
