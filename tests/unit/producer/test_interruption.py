import os
import signal

import pytest

from textsieve.producer.interruption import UntilInterrupted


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


def test_all_items_pass_where_nobody_interrupts():
    stream = UntilInterrupted([1, 2, 3])

    assert list(stream) == [1, 2, 3]
    assert not stream.interrupted


def test_a_signal_while_an_item_is_awaited_ends_the_wait():
    def items():
        yield 1
        interrupt()
        yield 2

    stream = UntilInterrupted(items())

    assert list(stream) == [1]
    assert stream.interrupted


def test_a_signal_while_the_consumer_works_lets_it_finish():
    stream = UntilInterrupted([1, 2, 3])
    finished = []
    for item in stream:
        if item == 2:
            interrupt()
        finished.append(item)

    assert finished == [1, 2]


def test_sigterm_ends_the_stream_too():
    stream = UntilInterrupted([1, 2, 3])
    finished = []
    for item in stream:
        os.kill(os.getpid(), signal.SIGTERM)
        finished.append(item)

    assert finished == [1]


def test_the_second_signal_breaks_into_the_consumer():
    stream = iter(UntilInterrupted([1, 2, 3]))
    next(stream)
    interrupt()

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    stream.close()


def test_the_handlers_from_before_come_back():
    before = signal.getsignal(signal.SIGINT)

    list(UntilInterrupted([1]))

    assert signal.getsignal(signal.SIGINT) is before
