import gc

import pytest

from temper.system.garbage import paused_collection


def test_after_the_block_garbage_is_collected_again_also_after_an_error() -> None:
    with paused_collection():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), paused_collection():
        _ = 1 / 0
    assert gc.isenabled()


def test_a_decision_of_the_program_is_not_changed() -> None:
    gc.disable()
    try:
        with paused_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
