"""What the workers share of alarms: a lease, a state, and an outbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

MAX_OUTBOX: Final = 5000  # alarms that wait for the broker; of more the oldest go
OUTBOX_READ: Final = 1000  # of them at a time


@dataclass(frozen=True, slots=True)
class Lease:
    """What the worker that may look is given.

    Attributes:
        state: what was saved last, empty where nothing was; None: the asking worker knows it.
        latest_ms: largest event time that any worker has told of.
        now_ms: Unix time of the store, one clock for all workers.
    """

    state: bytes | None
    latest_ms: int
    now_ms: int


class AlarmStore(Protocol):
    """What the workers share of alarms. Every method raises StoreUnavailable when the store does not answer."""

    def acquire(self, owner: str, *, latest_ms: int, lease_ms: int, known: bool = False) -> Lease | None:
        """Take or renew the lease, by the store's clock; None while another worker has it.

        Args:
            owner: who asks.
            latest_ms: largest event time that it has seen; shared whoever has the lease, but for one that lies more
                than LATENESS_MS in the future.
            lease_ms: for how long.
            known: the owner holds the state in memory, and is not given it where nobody had the lease in between.
        """
        ...

    def save(self, owner: str, state: bytes, alarms: Sequence[bytes]) -> bool:
        """Replace the state and add to the outbox, in one step; False, and nothing, where the lease is another's.

        The outbox keeps the newest MAX_OUTBOX.
        """
        ...

    def outbox(self) -> Sequence[bytes]:
        """Alarms that are not known to be published, the oldest OUTBOX_READ of them, oldest first."""
        ...

    def published(self, owner: str, alarms: int) -> None:
        """Drop so many from the front of the outbox, while the lease is the owner's."""
        ...
