"""How long a store that did not answer is left alone, by whoever may not wait for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

FIRST_SECONDS: Final = 5.0  # doubles with every failure in a row
MAX_SECONDS: Final = 60.0


@dataclass(slots=True)
class Pause:
    """Grows with every call that fails; measured from the end of the call, since one may hang for seconds.

    Attributes:
        monotonic: seconds.
    """

    monotonic: Callable[[], float]
    _failures: int = 0
    _until: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether the store may be asked."""
        return self._until is None or self.monotonic() >= self._until

    def failed(self) -> None:
        """The call that just ended failed."""
        seconds = min(MAX_SECONDS, FIRST_SECONDS * 2.0 ** min(self._failures, 10))
        self._failures += 1
        self._until = self.monotonic() + seconds

    def answered(self) -> None:
        """The call that just ended did not fail."""
        self._failures, self._until = 0, None
