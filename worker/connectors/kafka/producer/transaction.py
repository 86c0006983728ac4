"""One transaction under way, in a thread that is left to itself when its time is over."""

import threading
import time
from collections.abc import Callable, Collection

from textsieve.worker.records import Partition


class Transaction:
    """Begins at once; the library's calls have no time limit, so whoever awaits the outcome gives up at the deadline.

    Args:
        carry_through: all steps of it, each of which waits for the brokers.
        deadline: a monotonic time in seconds.
        sources: the input partitions whose offsets it commits.
    """

    def __init__(self, carry_through: Callable[[], None], deadline: float, sources: Collection[Partition]) -> None:
        self._carry_through, self._deadline, self.sources = carry_through, deadline, sources
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="transaction", daemon=True)
        self._thread.start()

    def outcome(self) -> Exception | None:
        """None once it is committed; waits for that until the deadline."""
        self._thread.join(max(0.0, self._deadline - time.monotonic()))
        if self._thread.is_alive():
            return TimeoutError("a transaction did not end in time")
        if self._error is None or isinstance(self._error, Exception):
            return self._error
        raise self._error

    def _run(self) -> None:
        try:
            self._carry_through()
        except BaseException as error:  # noqa: BLE001  # raised again where it is awaited
            self._error = error
