"""Says what is wrong with single rows and messages, a bounded number of times."""

from collections.abc import Callable

from textsieve.terminal import printable

SHOWN_LIMIT = 20  # lines: enough to see the pattern, few enough to keep the report in sight


class RowErrors:
    """Counts errors of rows and passes the first `limit` on to `write`."""

    def __init__(self, write: Callable[[str], object], *, limit: int = SHOWN_LIMIT) -> None:
        self._write = write
        self._limit = limit
        self.count = 0

    def add(self, error: str) -> None:
        """Count an error, and show it while there is room; names in it are somebody else's."""
        self.count += 1
        if self.count <= self._limit:
            self._write(printable(error))

    def close(self) -> None:
        """Say how many were not shown."""
        hidden = self.count - self._limit
        if hidden > 0:
            self._write(f"... and {hidden} more like these")
