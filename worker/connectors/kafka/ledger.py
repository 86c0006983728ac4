"""The output log read backwards: which messages are answered already."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from worker.codec import PREFIX, SOURCE_HEADER
from worker.connectors.kafka.clients import REQUEST_TIMEOUT_MS, connecting, translated
from worker.errors import BrokerUnavailable
from worker.records import Partition, Position

TOPIC_ID_HEADER = PREFIX + "topic-id"
POLL_MS = 50  # a poll without records lasts as long: an empty partition must not cost half a second
FETCH_WAIT_MS = 50  # the broker says so early that there is nothing (more)
STALLED_POLLS = 200  # empty polls in a row before the log counts as unreadable
MAX_DIGITS = 19  # of a 64-bit offset


@dataclass(slots=True)
class LedgerReader:
    """Reads one output topic back, partition by partition.

    A partition's answers stand in offset order, but for the batch in which something failed: a hole may be filled
    later. So the answers at or after `start` are all found once a whole batch of older ones has been seen before them,
    or the beginning of the log.

    Attributes:
        options: of the Kafka connection.
        topic: the output or dead-letter topic.
        batch: most messages an iteration may hold.
    """

    options: Mapping[str, Any]
    topic: str
    batch: int
    _consumer: Any = field(default=None)

    def read(self, starts: Mapping[Partition, Position]) -> dict[Partition, set[int]]:
        """Offsets at or after `starts` that the log already answers.

        Args:
            starts: input partitions and where they start.

        Raises:
            BrokerUnavailable: the log could not be read to its end.
        """
        if self._consumer is None:
            self._consumer = self._connect()
        with translated(f"reading back {self.topic}"):
            answered: dict[Partition, set[int]] = {}
            for number in sorted({source.partition for source in starts}):
                wanted = {source: start for source, start in starts.items() if source.partition == number}
                answered |= self._read_partition(TopicPartition(self.topic, number), wanted)
            return answered

    def _connect(self) -> Any:
        with connecting(f"reading back {self.topic}"):
            return KafkaConsumer(
                **self.options,
                metrics_enabled=False,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                fetch_max_wait_ms=FETCH_WAIT_MS,
            )

    def close(self) -> None:
        """Give the connection back."""
        if self._consumer is not None:
            self._consumer.close(autocommit=False, timeout_ms=1000)
            self._consumer = None

    def _read_partition(self, log: Any, wanted: Mapping[Partition, Position]) -> dict[Partition, set[int]]:
        self._consumer.assign([log])
        first = self._consumer.beginning_offsets([log], timeout_ms=REQUEST_TIMEOUT_MS)[log]
        hint = self._consumer.end_offsets([log], timeout_ms=REQUEST_TIMEOUT_MS)[log]  # a lower bound, on some brokers
        window = 4 * self.batch
        while True:
            begin = max(first, hint - window)
            found, older = self._scan(log, begin, wanted)
            if begin == first or all(older[source] >= self.batch for source in wanted):
                return found
            window *= 4

    def _scan(
        self, log: Any, begin: int, wanted: Mapping[Partition, Position]
    ) -> tuple[dict[Partition, set[int]], dict[Partition, int]]:
        """Read from `begin` until the position reaches the high watermark of the fetch responses."""
        found: dict[Partition, set[int]] = {source: set() for source in wanted}
        older = dict.fromkeys(wanted, 0)
        self._consumer.seek(log, begin)
        stalled = 0
        while True:
            batches = self._consumer.poll(timeout_ms=POLL_MS, max_records=5000)
            for record in batches.get(log, ()):
                entry = _entry(record.headers)
                if entry is None:
                    continue
                start = wanted.get(entry.source)
                if start is None or (entry.topic_id and entry.topic_id != start.topic_id):
                    continue
                if entry.offset >= start.offset:
                    found[entry.source].add(entry.offset)
                else:
                    older[entry.source] += 1
            highwater = self._consumer.highwater(log)
            if highwater is not None and self._consumer.position(log, timeout_ms=REQUEST_TIMEOUT_MS) >= highwater:
                return found, older
            stalled = 0 if batches else stalled + 1
            if stalled > STALLED_POLLS:
                raise BrokerUnavailable(
                    f"reading back {self.topic}: nothing came for {STALLED_POLLS * POLL_MS / 1000:.0f} s"
                )


@dataclass(frozen=True, slots=True)
class _Entry:
    source: Partition
    offset: int
    topic_id: str


def _is_number(text: str) -> bool:
    """Whether int() takes it and Kafka could have written it: a stranger may have put anything there."""
    return text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS


def _entry(headers: Iterable[tuple[str, bytes | None]]) -> _Entry | None:
    """What our headers say about one answer; None for a stranger's message."""
    source = topic_id = b""
    for name, value in headers:
        if name == SOURCE_HEADER:
            source = value or b""
        elif name == TOPIC_ID_HEADER:
            topic_id = value or b""
    parts = source.decode("utf-8", "replace").rsplit("/", 2)
    if len(parts) != 3 or not (_is_number(parts[1]) and _is_number(parts[2])):  # noqa: PLR2004  # topic/partition/offset
        return None
    return _Entry(Partition(parts[0], int(parts[1])), int(parts[2]), topic_id.decode("ascii", "replace"))
