"""In-memory stand-ins that ship with the worker: pure tests of a pipeline need no broker, no store and no model.

Example:
    >>> log = MemoryLog.of("messages", [b'{"text": "hello"}'])
    >>> source = MemorySource(log)
    >>> [record.offset for record in source.poll(max_records=10, timeout_seconds=0).records]
    []
    >>> len(source.rewind({})), len(source.poll(max_records=10, timeout_seconds=0).records)
    (1, 1)
"""

from textsieve.worker.testing.alarms import MemoryAlarmStore
from textsieve.worker.testing.clock import ManualClock
from textsieve.worker.testing.counters import MemoryCounterStore
from textsieve.worker.testing.leaders import MemoryLeaderStore
from textsieve.worker.testing.predictor import HashingPredictor
from textsieve.worker.testing.store import MemoryCentroidStore
from textsieve.worker.testing.streams import (
    TOPIC_ID,
    MemoryLog,
    MemorySink,
    MemorySource,
    MemoryTransactionalSink,
    header,
)

__all__ = [
    "TOPIC_ID",
    "HashingPredictor",
    "ManualClock",
    "MemoryAlarmStore",
    "MemoryCentroidStore",
    "MemoryCounterStore",
    "MemoryLeaderStore",
    "MemoryLog",
    "MemorySink",
    "MemorySource",
    "MemoryTransactionalSink",
    "header",
]
