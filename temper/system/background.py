"""Work in a thread, for which a program that ends does not wait."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def start(work: Callable[[], T]) -> "Future[T]":
    """Begin to work in a thread; returns its result, or what it raises, when it is there.

    Python waits at its end for the threads of a pool: Ctrl-C would wait for a large file on a slow disk.
    """
    result: Future[T] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return result
