import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from temper.system.interrupts import delayed_interrupt


def test_ctrl_c_is_raised_at_the_end_of_the_block_also_when_another_thread_receives_it() -> None:
    done, ended = [], threading.Event()
    other = threading.Thread(target=ended.wait)
    other.start()
    try:
        with pytest.raises(KeyboardInterrupt), delayed_interrupt():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
            done.append("inside")
    finally:
        ended.set()
        other.join()
    assert done == ["inside"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_process_that_is_started_inside_does_not_see_it() -> None:
    code = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    with delayed_interrupt():
        started = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert started.stdout == "True\n"
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
