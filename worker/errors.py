"""Every error a worker raises on purpose.

::

    TextsieveError
    ├── ConfigurationError        exit 2: the operator must change a setting
    ├── ServiceError              exit 1 after retries: the surroundings are at fault
    │   ├── BrokerUnavailable
    │   ├── StoreUnavailable
    │   ├── PublishFailed         a send whose outcome is unknown
    │   └── PartitionUnavailable  some partitions cannot be served now, others can
    ├── OwnershipLost             the group gave our partitions to somebody else: drop the batch
    ├── LedgerError               exit 1: the committed offsets contradict the input log
    ├── PredictorError            the model failed on this batch
    │   └── DeviceOutOfMemory     shrink the device batch and go on
    └── WorkerStopped             exit 1 on purpose: a limit was reached
"""

from collections.abc import Collection

from textsieve.worker.records import Partition


class TextsieveError(Exception):
    """Root of the tree; its message says what was expected, what it got, and what to change."""


class ConfigurationError(TextsieveError):
    """A setting, a topic or a model does not fit; nothing was consumed."""


class ServiceError(TextsieveError):
    """Something outside the worker does not answer as it should."""


class BrokerUnavailable(ServiceError):
    """The Kafka broker did not answer in time."""


class StoreUnavailable(ServiceError):
    """The store of the centroids did not answer in time, or refused a write."""


class PublishFailed(ServiceError):
    """At least one send failed or timed out: whether it landed is unknown until the ledger is read.

    Attributes:
        reason: `timeout`, `too_large`, `authorization` or `other`.
    """

    def __init__(self, message: str, *, reason: str = "other") -> None:
        super().__init__(message)
        self.reason = reason


class PartitionUnavailable(ServiceError):
    """Some input partitions cannot be served now, and others can.

    Attributes:
        partitions: those that cannot.
        reason: what ails them.
    """

    def __init__(self, partitions: Collection[Partition], reason: str) -> None:
        names = ", ".join(f"{topic}/{number}" for topic, number in sorted(partitions))
        super().__init__(f"{names}: {reason}")
        self.partitions = frozenset(partitions)
        self.reason = reason


class OwnershipLost(TextsieveError):
    """The consumer group refused this member, or its generation moved on."""


class LedgerError(TextsieveError):
    """What the group has committed does not fit the input topic: it was truncated, or made anew."""


class PredictorError(TextsieveError):
    """The model raised while predicting."""


class DeviceOutOfMemory(PredictorError):
    """The device ran out of memory for this batch."""


class WorkerStopped(TextsieveError):
    """The worker ended itself: going on would have done harm."""
