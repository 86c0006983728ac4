"""Makes every polite request to end look like ctrl-C, so that `finally` and `with` do their work."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from textsieve.signals import handling

SIGNALS = (signal.SIGTERM, signal.SIGHUP)  # `kill`, and a terminal that was closed


@contextmanager
def interruptible() -> Iterator[None]:
    """Within, SIGTERM and SIGHUP raise KeyboardInterrupt as SIGINT does; only in the main thread.

    Raises:
        KeyboardInterrupt: One of the signals came.
    """
    with handling(dict.fromkeys(SIGNALS, _interrupt)):
        yield


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
