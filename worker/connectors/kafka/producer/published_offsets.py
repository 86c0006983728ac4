"""The output log read backwards: which messages are answered already."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import RetriableError

from textsieve.worker.connectors.kafka.client.options import (
    REQUEST_TIMEOUT_MS,
    connecting,
    connection_options,
    offsets_of,
    translated,
)
from textsieve.worker.connectors.kafka.consumer.paused_partitions import leaderless
from textsieve.worker.connectors.kafka.producer.answer_headers import answer_headers
from textsieve.worker.errors import BrokerUnavailable, PartitionUnavailable
from textsieve.worker.records import Partition, Position
from textsieve.worker.settings import KafkaSettings

POLL_MS = 50  # a poll without records lasts as long: an empty partition must not cost half a second
FETCH_WAIT_MS = 50  # the broker says so early that there is nothing (more)
STALLED_SECONDS = 10.0  # without a record, at least: a busy broker is not an unreadable log


def do_nothing() -> None:
    """Nobody need know that work goes on."""


@dataclass(slots=True)
class PublishedOffsetsReader:
    """Reads one output topic back, all partitions side by side.

    A partition's answers stand in offset order, but for the batch in which something failed: a hole may be filled
    later. So the answers at or after `start` are all found once a whole batch of older ones has been seen before them,
    or the beginning of the log.

    Attributes:
        kafka: of the connection.
        topic: the output or dead-letter topic.
        batch: most messages an iteration may hold.
        working: called while a log is read: a long one takes longer than the group allows between two polls.
    """

    kafka: KafkaSettings
    topic: str
    batch: int
    working: Callable[[], None] = do_nothing
    _reader: Any = field(default=None)
    _ends: Any = field(default=None)  # a second client: it asks for the end whatever transactions are open

    def read(self, starts: Mapping[Partition, Position]) -> dict[Partition, set[int]]:
        """Offsets at or after `starts` that the log already answers.

        Args:
            starts: input partitions and where they start.

        Raises:
            BrokerUnavailable: the log could not be read to its end.
            PartitionUnavailable: some of its partitions have no leader.
        """
        if self._reader is None:
            self._connect()
        logs = {TopicPartition(self.topic, number) for number in {source.partition for source in starts}}
        with translated(f"reading back {self.topic}"):
            first, ends = self._bounds(logs, starts)
            answered: dict[Partition, set[int]] = {}
            window = 4 * self.batch
            while logs:
                begins = {log: max(first[log], ends[log] - window) for log in logs}
                found, older = self._scan(begins, ends, starts)
                deep = {log for log in logs if begins[log] == first[log] or self._is_deep(log, older)}
                answered |= {source: offsets for source, offsets in found.items() if self._log(source) in deep}
                logs -= deep
                window *= 4
            return answered

    def close(self) -> None:
        """Give the connections back."""
        for consumer in (self._reader, self._ends):
            if consumer is not None:
                consumer.close(autocommit=False, timeout_ms=1000)
        self._reader = self._ends = None

    def _connect(self) -> None:
        options = connection_options(self.kafka) | {
            "metrics_enabled": False,
            "group_id": None,
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "fetch_max_wait_ms": FETCH_WAIT_MS,
            "fetch_max_bytes": self.kafka.fetch_max_bytes,
            # a broker that remembers what this reader has seen leaves partitions without news out of its answers
            "enable_incremental_fetch_sessions": False,
        }
        # what was aborted is no answer, unless the broker shows it to everybody all the same
        isolation = "read_uncommitted" if self._is_embedded else "read_committed"
        with connecting(f"reading back {self.topic}"):
            self._reader = KafkaConsumer(**options, isolation_level=isolation)
            self._ends = KafkaConsumer(**options, isolation_level="read_uncommitted")

    @property
    def _is_embedded(self) -> bool:
        return self.kafka.preset == "embedded"

    @property
    def _patience_seconds(self) -> float:
        """A transaction that a killed worker left open hides what follows it; it is ended within a session."""
        return max(STALLED_SECONDS, self.kafka.session_ms / 1000)

    def _log(self, source: Partition) -> Any:
        return TopicPartition(self.topic, source.partition)

    def _is_deep(self, log: Any, older: Mapping[Partition, int]) -> bool:
        """Whether of every source a whole batch of older answers was seen."""
        return all(seen >= self.batch for source, seen in older.items() if source.partition == log.partition)

    def _bounds(
        self, logs: Collection[Any], starts: Mapping[Partition, Position]
    ) -> tuple[Mapping[Any, int], Mapping[Any, int]]:
        """Where the logs begin and end."""
        try:
            return (
                offsets_of(self._reader.beginning_offsets, sorted(logs), timeout_ms=REQUEST_TIMEOUT_MS),
                offsets_of(self._ends.end_offsets, sorted(logs), timeout_ms=REQUEST_TIMEOUT_MS),
            )
        except RetriableError:
            lost = {log for client in (self._reader, self._ends) for log in leaderless(client._cluster, logs)}  # noqa: SLF001
            if lost:
                sources = [source for source in starts if self._log(source) in lost]
                raise PartitionUnavailable(sources, f"their place in {self.topic} has no leader") from None
            raise

    def _scan(
        self, begins: Mapping[Any, int], ends: Mapping[Any, int], starts: Mapping[Partition, Position]
    ) -> tuple[dict[Partition, set[int]], dict[Partition, int]]:
        """Read from `begins` to the end of every log."""
        wanted = {source: start for source, start in starts.items() if self._log(source) in begins}
        found: dict[Partition, set[int]] = {source: set() for source in wanted}
        older = dict.fromkeys(wanted, 0)
        unread = set(begins)
        self._reader.assign(sorted(unread))
        for log, begin in begins.items():
            self._reader.seek(log, begin)
        last_news = time.monotonic()
        while unread:
            self.working()
            batches = self._reader.poll(timeout_ms=POLL_MS, max_records=5000)
            for log, records in batches.items():
                for entry in filter(None, (answer_headers(record.headers) for record in records)):
                    start = wanted.get(entry.source)
                    if start is None or self._log(entry.source) != log or not entry.is_of(start.topic_id):
                        continue
                    if entry.offset >= start.offset:
                        found[entry.source].add(entry.offset)
                    else:
                        older[entry.source] += 1
            finished = {log for log in unread if self._is_read(log, ends[log])}
            unread -= finished
            if batches or finished:
                last_news = time.monotonic()
            elif time.monotonic() - last_news > self._patience_seconds:
                raise BrokerUnavailable(
                    f"reading back {self.topic}: nothing came for {self._patience_seconds:.0f} s from {_names(unread)}"
                )
        return found, older

    def _is_read(self, log: Any, end: int) -> bool:
        """Whether the position has reached the end: as it was asked for, or as fetch responses tell it.

        The embedded broker answers a question for the end with less, but its fetch responses are right. On Apache Kafka
        it is the other way round: for a moment after an election they may name an end that lies before acked records.
        """
        if self._is_embedded:
            highwater = self._reader.highwater(log)
            if highwater is None:
                return False
            end = highwater
        return bool(self._reader.position(log, timeout_ms=REQUEST_TIMEOUT_MS) >= end)


def _names(logs: Collection[Any]) -> str:
    return ", ".join(f"{log.topic}/{log.partition}" for log in sorted(logs))
