"""The limits on dead letters: a bad deploy must not drain a topic."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from textsieve.worker.errors import WorkerStopped


@dataclass(slots=True)
class DeadLetterLimit:
    """Stops the worker before too many dead letters are published.

    Attributes:
        max_ratio: share of bad messages over a full window above which the worker stops; 1 never does.
        window: messages over which the share is taken.
        max_consecutive: bad messages in a row that stop the worker.
    """

    max_ratio: float
    window: int
    max_consecutive: int
    _recent: deque[bool] = field(default_factory=deque)
    _in_a_row: int = 0

    def check(self, bad: Sequence[bool]) -> None:
        """Refuse a batch that would break a limit, before any of it is published.

        Args:
            bad: for every message of the batch, in order, whether it is a dead letter.

        Raises:
            WorkerStopped: a limit would be broken.
        """
        if not any(bad):
            return
        in_a_row = self._in_a_row
        for is_bad in bad:
            in_a_row = in_a_row + 1 if is_bad else 0
            if in_a_row > self.max_consecutive:
                raise WorkerStopped(
                    f"expected at most {self.max_consecutive} dead letters in a row (dead_letters.max_consecutive),"
                    f" got {in_a_row}: look at the input or the model, then start again; nothing was skipped"
                )
        recent = [*self._recent, *bad][-self.window :]
        if len(recent) == self.window and sum(recent) > self.max_ratio * self.window:
            raise WorkerStopped(
                f"expected at most {self.max_ratio:.0%} dead letters in {self.window} messages"
                f" (dead_letters.max_ratio), got {sum(recent)}: look at the input or the model, then start again;"
                " nothing was skipped"
            )

    def count(self, bad: Sequence[bool]) -> None:
        """Remember a batch that was published."""
        for is_bad in bad:
            self._in_a_row = self._in_a_row + 1 if is_bad else 0
        self._recent.extend(bad)
        while len(self._recent) > self.window:
            self._recent.popleft()
