"""Questions to brokers, asked again where the one that was asked is away."""

import time
from collections.abc import Callable
from typing import TypeVar

from kafka.errors import KafkaError, RetriableError

PAUSE_SECONDS = 0.2  # between two tries

_Answer = TypeVar("_Answer")


def with_retries(
    ask: Callable[[], _Answer], *, seconds: float, worth: tuple[type[KafkaError], ...] = (RetriableError,)
) -> _Answer:
    """The answer of some broker: the library asks one of them, and gives up when that one is away.

    Args:
        ask: once.
        seconds: patience with all of them.
        worth: the errors after which it asks again.

    Raises:
        KafkaError: the last one, when the time is over.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except worth:
            if time.monotonic() >= deadline:
                raise
            time.sleep(PAUSE_SECONDS)
