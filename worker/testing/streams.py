"""A log in memory, with the source and sinks of a worker over it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from textsieve.worker.errors import OwnershipLost, PublishFailed
from textsieve.worker.headers import PREFIX
from textsieve.worker.records import Header, Outgoing, Partition, Position, Progress, Record
from textsieve.worker.streams import Poll, Published

TOPIC_ID = "memory"


@dataclass(slots=True)
class MemoryLog:
    """What a broker would keep: input, committed offsets, answers; it outlives the workers that use it."""

    records: dict[Partition, list[Record]] = field(default_factory=dict)
    committed: dict[Partition, int] = field(default_factory=dict)
    learned: dict[Partition, int] = field(default_factory=dict)  # what the clusters had learned, as noted by a commit
    results: list[Outgoing] = field(default_factory=list)
    dead_letters: list[Outgoing] = field(default_factory=list)
    generation: int = 0

    @classmethod
    def of(cls, topic: str, values: Sequence[bytes | None], *, partitions: int = 1) -> "MemoryLog":
        """A log whose values are spread evenly over the partitions of one topic."""
        log = cls({Partition(topic, number): [] for number in range(partitions)})
        for index, value in enumerate(values):
            log.append(Partition(topic, index % partitions), value)
        return log

    def append(
        self,
        partition: Partition,
        value: bytes | None,
        *,
        key: bytes | None = None,
        timestamp_ms: int = 0,
        headers: Sequence[Header] = (),
    ) -> None:
        """Add a message at the end of a partition."""
        existing = self.records.setdefault(partition, [])
        offset = len(existing)
        existing.append(Record(partition.topic, partition.partition, offset, key, value, timestamp_ms, tuple(headers)))


@dataclass(slots=True)
class MemorySource:
    """Source over a MemoryLog; `revoke` and `fail_next` play the group's and the broker's part.

    Attributes:
        owned: the partitions this member has; all of them by default.
        max_reread: messages of all partitions together that are read again at most, however little the clusters know.
    """

    log: MemoryLog
    owned: set[Partition] | None = None
    max_reread: int | None = None
    fail_next: dict[str, Exception] = field(default_factory=dict)  # method name -> what it raises once
    calls: list[str] = field(default_factory=list)
    aside: dict[Partition, str] = field(default_factory=dict)  # a test takes out what has recovered
    _generation: int = -1
    _position: dict[Partition, int] = field(default_factory=dict)

    @property
    def generation(self) -> int:
        """The group's generation of the last poll, -1 before the first."""
        return self._generation

    def poll(self, *, max_records: int, timeout_seconds: float) -> Poll:
        """See Source."""
        del timeout_seconds
        self._called("poll")
        if self._generation != self.log.generation:
            self._generation = self.log.generation
            return Poll(reassigned=True)
        taken: dict[Partition, Sequence[Record]] = {}
        room = max_records
        for partition, position in self._position.items():
            if batch := self.log.records[partition][position : position + room]:
                taken[partition] = batch
                room -= len(batch)
                self._position[partition] = position + len(batch)
        lag = {p: len(self.log.records[p]) - at for p, at in self._position.items()}
        return Poll(taken, lag=lag, aside=dict(self.aside))

    def rewind(
        self, floor: Mapping[Partition, Position], *, unsure: Collection[Partition] = ()
    ) -> Mapping[Partition, Position]:
        """See Source."""
        self._called("rewind")
        self._generation = self.log.generation
        owned = set(self.log.records) if self.owned is None else self.owned
        self._position = {}
        for partition in sorted(owned - self.aside.keys()):
            committed = self.log.committed.setdefault(partition, 0)  # a first start is committed at once
            learned = floor.get(partition)
            if learned is None or learned.topic_id != TOPIC_ID:
                learned = Position(self.log.learned.get(partition, committed), TOPIC_ID)
            bound = 0 if self.max_reread is None else committed - self.max_reread // len(owned)
            if partition in unsure:
                learned = min(learned, Position(self.log.learned.get(partition, committed), TOPIC_ID))
            self._position[partition] = max(min(learned.offset, committed), bound)
        return {partition: Position(offset, TOPIC_ID) for partition, offset in self._position.items()}

    def set_aside(self, partitions: Collection[Partition], *, reason: str) -> None:
        """See Source."""
        self._called("set_aside")
        self.aside |= dict.fromkeys(partitions, reason)

    def fence(self) -> None:
        """See Source."""
        self._called("fence")
        self._refuse_strangers()

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """See Source."""
        self._called("commit")
        self._refuse_strangers()
        self.log.committed.update(offsets)

    def _refuse_strangers(self) -> None:
        if self._generation != self.log.generation:
            raise OwnershipLost("the group has moved on")

    def _called(self, name: str) -> None:
        self.calls.append(name)
        _raise_once(self.fail_next, name)


@dataclass(slots=True)
class MemorySink:
    """Sink over a MemoryLog; `land` says how many messages of a failing publish arrive all the same."""

    log: MemoryLog
    fail_next: dict[str, Exception] = field(default_factory=dict)
    land: int | None = None  # a publish that lands only so many, then fails
    calls: list[str] = field(default_factory=list)

    def recover(self, starts: Mapping[Partition, Position]) -> Mapping[Partition, Published]:
        """See Sink."""
        self.calls.append("recover")
        _raise_once(self.fail_next, "recover")
        return {
            source: Published(
                {m.offset for m in self.log.results if m.source == source and m.offset >= start.offset},
                {m.offset for m in self.log.dead_letters if m.source == source and m.offset >= start.offset},
            )
            for source, start in starts.items()
        }

    @property
    def is_transactional(self) -> bool:
        """See Sink."""
        return False

    def publish(
        self,
        *,
        results: Sequence[Outgoing],
        dead_letters: Sequence[Outgoing],
        progress: Mapping[Partition, Progress],
        timeout_seconds: float,
    ) -> None:
        """See Sink."""
        del progress
        self.calls.append("publish")
        _raise_once(self.fail_next, "publish")
        if (results or dead_letters) and timeout_seconds <= 0:
            raise PublishFailed("no time was left between the fence and the send: nothing was sent")
        queue = [(self.log.dead_letters, letter) for letter in dead_letters] + [
            (self.log.results, result) for result in results
        ]
        landing, self.land = self.land, None
        for log, message in queue[:landing]:
            log.append(message)
        if landing is not None and landing < len(queue):
            raise PublishFailed(f"{landing} of {len(queue)} messages landed")

    def settle(self) -> None:
        """See Sink."""
        self.calls.append("settle")
        _raise_once(self.fail_next, "settle")


@dataclass(slots=True)
class MemoryTransactionalSink:
    """Sink over a MemoryLog whose batches count together with the input offsets, or not at all.

    Attributes:
        source: the member on whose behalf offsets are committed; the log refuses those of an older generation.
    """

    log: MemoryLog
    source: MemorySource
    fail_next: dict[str, Exception] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    _staged: tuple[Sequence[Outgoing], Sequence[Outgoing], Mapping[Partition, Progress]] | None = None
    _generation: int = -1
    _committed: Mapping[Partition, int] = field(default_factory=dict)  # when the partitions were assigned

    @property
    def is_transactional(self) -> bool:
        """See Sink."""
        return True

    def recover(self, starts: Mapping[Partition, Position]) -> Mapping[Partition, Published]:
        """See Sink."""
        self.calls.append("recover")
        _raise_once(self.fail_next, "recover")
        self._staged = None
        self._committed = dict(self.log.committed)
        found = {}
        for source, start in starts.items():
            behind = {m.offset for m in self.log.dead_letters if m.source == source and m.offset >= start.offset}
            answered = set(range(start.offset, self.log.committed.get(source, start.offset)))
            found[source] = Published(answered - behind, answered & behind)
        return found

    def publish(
        self,
        *,
        results: Sequence[Outgoing],
        dead_letters: Sequence[Outgoing],
        progress: Mapping[Partition, Progress],
        timeout_seconds: float,
    ) -> None:
        """See Sink."""
        self.calls.append("publish")
        _raise_once(self.fail_next, "publish")
        if timeout_seconds <= 0:
            raise PublishFailed("no time was left for a transaction: nothing was sent", reason="timeout")
        self._staged = (results, dead_letters, progress)
        self._generation = self.source.generation

    def settle(self) -> None:
        """See Sink."""
        self.calls.append("settle")
        staged, self._staged = self._staged, None
        _raise_once(self.fail_next, "settle")
        if staged is None:
            return
        if self._generation != self.log.generation:
            raise OwnershipLost("committing a transaction: the group has moved on")
        results, dead_letters, progress = staged
        self.log.dead_letters.extend(dead_letters)
        self.log.results.extend(results)
        self.log.committed.update(
            {source: max(stands.offset, self._committed.get(source, 0)) for source, stands in progress.items()}
        )
        self.log.learned.update({source: stands.pushed for source, stands in progress.items()})


def _raise_once(planned: dict[str, Exception], name: str) -> None:
    error = planned.pop(name, None)
    if error is not None:
        raise error


def header(message: Outgoing, name: str) -> str | None:
    """One of our headers of an answer, without the prefix."""
    return next((value.decode() for key, value in message.headers if key == PREFIX + name), None)
