"""What signals do while they are put off."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from envhooks.base.run import put_off


@pytest.fixture
def interruptible() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_waits_for_the_end_though_another_thread_takes_the_signal() -> None:
    over = threading.Event()
    other = threading.Thread(target=over.wait)
    other.start()
    done = []
    try:
        with pytest.raises(KeyboardInterrupt), put_off():
            for number in range(3):
                os.kill(os.getpid(), signal.SIGINT)
                done.append(number)
    finally:
        over.set()
        other.join()
    assert done == [0, 1, 2]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("interruptible")
def test_nothing_is_put_off_where_nothing_comes() -> None:
    with put_off():
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    found = []
    thread = threading.Thread(target=lambda: found.append(_within()))
    thread.start()
    thread.join()
    assert found == [True], "only the main thread may set handlers"


def _within() -> bool:
    with put_off():
        return True
