import os
import signal
import threading

import pytest

from textsieve.signals import handling


def test_a_handler_is_in_force_within_the_block_and_the_one_before_after_it() -> None:
    came: list[int] = []
    before = signal.getsignal(signal.SIGUSR1)

    with handling({signal.SIGUSR1: lambda number, _: came.append(number)}):
        os.kill(os.getpid(), signal.SIGUSR1)

    assert [signal.SIGUSR1] == came
    assert before == signal.getsignal(signal.SIGUSR1)


def test_the_handler_before_returns_after_an_error_too() -> None:
    before = signal.getsignal(signal.SIGUSR1)

    with pytest.raises(KeyError), handling({signal.SIGUSR1: lambda *_: None}):
        raise KeyError

    assert before == signal.getsignal(signal.SIGUSR1)


def test_outside_the_main_thread_it_is_refused() -> None:
    refused: list[str] = []

    def handle() -> None:
        try:
            with handling({signal.SIGUSR1: lambda *_: None}):
                pass
        except ValueError as error:
            refused.append(str(error))

    thread = threading.Thread(target=handle)
    thread.start()
    thread.join()

    assert 1 == len(refused)
