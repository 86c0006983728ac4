"""Spreads messages over time at a fixed rate."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def at_rate(
    items: Iterable[Item],
    *,
    rate: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[Item]:
    """Pass items on at `rate` per second, the first at once.

    Open loop: item i is due at start + i / rate, whatever happened before, so that lateness is caught up
    with and the rate does not drift.
    """
    started = clock()
    for index, item in enumerate(items):
        wait_seconds = started + index / rate - clock()
        if wait_seconds > 0:
            sleep(wait_seconds)
        yield item
