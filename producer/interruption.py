"""Ends a stream of messages at ctrl-C or SIGTERM without breaking into whoever consumes them."""

import signal
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Generic, TypeVar

from textsieve.signals import handling

Item = TypeVar("Item")


class UntilInterrupted(Generic[Item]):
    """Iterates over items until the first SIGINT or SIGTERM; the second one breaks into whatever runs.

    A signal that comes while the next item is awaited (a slow pipe, a pause between messages) ends the
    wait; one that comes while the consumer works waits for it to come back. Only for the main thread,
    where Python runs signal handlers.

    Raises:
        ValueError: Iterated outside the main thread.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = items
        self._awaiting = False
        self.interrupted = False

    def __iter__(self) -> Iterator[Item]:
        iterator = iter(self._items)
        with handling({signal.SIGINT: self._interrupt, signal.SIGTERM: self._interrupt}):
            try:
                while not self.interrupted:
                    self._awaiting = True
                    item = next(iterator)
                    self._awaiting = False
                    yield item
            except (KeyboardInterrupt, StopIteration):
                return
            finally:
                self._awaiting = False

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        is_second = self.interrupted
        self.interrupted = True
        if self._awaiting or is_second:
            raise KeyboardInterrupt
