"""Ctrl-C as a question that is asked between two steps, so that none is lost."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from textsieve.signals import handling


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Whether SIGINT or SIGTERM came since; a second one interrupts at once.

    Outside the main thread, where signals cannot be caught, the answer is always no.
    """
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    with handling({signal.SIGINT: note, signal.SIGTERM: note}):
        yield lambda: bool(came)
