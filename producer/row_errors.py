"""Says what is wrong with single rows and messages, a bounded number of times."""

from collections.abc import Callable

from textsieve.terminal import printable

SHOWN_LIMIT = 20  # lines: enough to see the pattern, few enough to keep the report in sight


class RowErrors:
    """Counts complaints and passes the first `limit` on to `write`."""

    def __init__(self, write: Callable[[str], object], *, limit: int = SHOWN_LIMIT) -> None:
        self._write = write
        self._limit = limit
        self.count = 0

    def add(self, complaint: str) -> None:
        """Count a complaint, and show it while there is room; names in it are somebody else's."""
        self.count += 1
        if self.count <= self._limit:
            self._write(printable(complaint))

    def close(self) -> None:
        """Say how many complaints were not shown."""
        hidden = self.count - self._limit
        if hidden > 0:
            self._write(f"... and {hidden} more like these")
