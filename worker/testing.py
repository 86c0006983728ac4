"""In-memory stand-ins that ship with the worker: pure tests of a pipeline need no broker, no store and no model.

Example:
    >>> log = MemoryLog.of("messages", [b'{"text": "hello"}'])
    >>> source = MemorySource(log)
    >>> [record.offset for record in source.poll(max_records=10, timeout_seconds=0).records]
    []
    >>> len(source.rewind({})), len(source.poll(max_records=10, timeout_seconds=0).records)
    (1, 1)
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from worker.clustering.centroids import PoolRows, SeedPool, Snapshot, falls_short, raise_watermarks
from worker.codec import PREFIX
from worker.errors import OwnershipLost, PublishFailed, StoreUnavailable
from worker.inference.predictor import Meter, ModelCard, NoMeter
from worker.records import Header, Outgoing, Partition, Position, Predictions, Record
from worker.streams import Poll, Published

TOPIC_ID = "memory"


@dataclass(slots=True)
class ManualClock:
    """Time that moves only when told, in seconds."""

    now: float = 0.0

    def __call__(self) -> float:
        """The present."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@dataclass(slots=True)
class MemoryLog:
    """What a broker would keep: input, committed offsets, answers; it outlives the workers that use it."""

    records: dict[Partition, list[Record]] = field(default_factory=dict)
    committed: dict[Partition, int] = field(default_factory=dict)
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
    """

    log: MemoryLog
    owned: set[Partition] | None = None
    fail_next: dict[str, Exception] = field(default_factory=dict)  # method name -> what it raises once
    calls: list[str] = field(default_factory=list)
    _generation: int = -1
    _position: dict[Partition, int] = field(default_factory=dict)

    def poll(self, *, max_records: int, timeout_seconds: float) -> Poll:
        """See Source."""
        del timeout_seconds
        self._called("poll")
        if self._generation != self.log.generation:
            self._generation = self.log.generation
            return Poll((), reassigned=True)
        taken: list[Record] = []
        for partition, position in self._position.items():
            room = max_records - len(taken)
            batch = self.log.records[partition][position : position + room]
            taken.extend(batch)
            self._position[partition] = position + len(batch)
        return Poll(taken, lag={p: len(self.log.records[p]) - at for p, at in self._position.items()})

    def rewind(self, floor: Mapping[Partition, Position]) -> Mapping[Partition, Position]:
        """See Source."""
        self._called("rewind")
        self._generation = self.log.generation
        owned = set(self.log.records) if self.owned is None else self.owned
        self._position = {}
        for partition in sorted(owned):
            committed = self.log.committed.setdefault(partition, 0)  # a first start is committed at once
            learned = floor.get(partition)
            reread = learned is not None and learned.topic_id == TOPIC_ID and learned.offset < committed
            self._position[partition] = learned.offset if learned and reread else committed
        return {partition: Position(offset, TOPIC_ID) for partition, offset in self._position.items()}

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

    def publish(self, *, results: Sequence[Outgoing], dead_letters: Sequence[Outgoing], timeout_seconds: float) -> None:
        """See Sink."""
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


def _raise_once(planned: dict[str, Exception], name: str) -> None:
    error = planned.pop(name, None)
    if error is not None:
        raise error


@dataclass(slots=True)
class MemoryCentroidStore:
    """CentroidStore in memory, with the same compare-and-set as the real one."""

    clock: Callable[[], float] = field(default_factory=ManualClock)
    away: bool = False  # True: every call raises StoreUnavailable
    snapshot: Snapshot | None = None
    emptied: bool = False
    _pool: SeedPool | None = None
    _pooled_since: float = 0.0
    _pool_writes: int = 0

    def revision(self) -> str | None:
        """See CentroidStore."""
        self._answer()
        if self.snapshot is None:
            return "reset" if self.emptied else None
        return self.snapshot.revision

    def load(self) -> Snapshot | None:
        """See CentroidStore."""
        self._answer()
        return self.snapshot

    def replace(self, snapshot: Snapshot, *, expected: str | None, pool_revision: str | None = None) -> bool:
        """See CentroidStore."""
        self._answer()
        if self.revision() != expected:
            return False
        if pool_revision is not None:
            if ("" if self._pool is None else self._pool.revision) != pool_revision:
                return False
            self._pool = None
        self.snapshot = snapshot
        return True

    def pool(self, rows: PoolRows | None = None) -> SeedPool | None:
        """See CentroidStore."""
        self._answer()
        if self.snapshot is not None:
            return None
        held = self._pool or SeedPool("", (), np.empty((0, 0), np.float32), {}, 0.0)
        if rows is not None and falls_short(held.watermarks, rows.confirmed):
            return replace(held, forgot=True)
        if rows is not None and rows.watermarks:
            if self._pool is None:
                self._pooled_since = self.clock()
            table = dict(zip(held.sources, held.embeddings, strict=True)) | dict(
                zip(rows.sources, rows.embeddings, strict=True)
            )
            self._pool_writes += 1
            sources = tuple(sorted(table))
            held = SeedPool(
                revision=str(self._pool_writes),
                sources=sources,
                embeddings=np.asarray([table[source] for source in sources], np.float32),
                watermarks=raise_watermarks(held.watermarks, rows.watermarks),
                age_seconds=0.0,
            )
            self._pool = held
        return replace(held, age_seconds=self.clock() - self._pooled_since if held.sources else 0.0)

    def reset(self) -> None:
        """Empty the space on purpose."""
        self._answer()
        self.snapshot, self._pool, self.emptied = None, None, True

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable("the store in memory was told to be away")


@dataclass(slots=True)
class HashingPredictor:
    """A predictor without a model: words are hashed into an embedding, its first number decides the label.

    Fast, deterministic and real enough to cluster: texts that share words lie close together.

    Attributes:
        fail_on: texts containing this word raise `failure`.
    """

    labels: tuple[str, ...] = ("ham", "spam")
    dim: int = 16
    fail_on: str | None = None
    failure: Exception | None = None
    seen: list[int] = field(default_factory=list)  # batch sizes, in order
    meter: Meter = field(default_factory=NoMeter)

    @property
    def card(self) -> ModelCard:
        """See Predictor."""
        return ModelCard("hashing", "1", self.labels, self.dim, max_tokens=256, fingerprint=f"hashing-{self.dim}")

    def predict(self, texts: Sequence[str]) -> Predictions:
        """See Predictor."""
        self.seen.append(len(texts))
        if self.fail_on and self.failure and any(self.fail_on in text for text in texts):
            raise self.failure
        began = time.perf_counter()
        counts = np.asarray([len(text.split()) for text in texts], np.int64)
        self.meter.tokenized(seconds=time.perf_counter() - began)
        began = time.perf_counter()
        embeddings = np.stack([self._embed(text) for text in texts])  # [batch, dim]
        logits = embeddings[:, : len(self.labels)] * 4  # [batch, labels]
        odds = np.exp(logits)
        real = int(counts.sum())
        self.meter.passed(
            seconds=time.perf_counter() - began,
            real_tokens=real,
            padding_tokens=int(counts.max()) * len(counts) - real,  # as a model would pad them
        )
        return Predictions(
            probabilities=(odds / odds.sum(axis=1, keepdims=True)).astype(np.float32),
            embeddings=embeddings,
            token_counts=np.minimum(counts, self.card.max_tokens),
            truncated=counts > self.card.max_tokens,
        )

    def _embed(self, text: str) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
        vector = np.zeros(self.dim, np.float64)
        for word in text.split() or [text]:
            digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            vector += np.random.default_rng(int.from_bytes(digest)).standard_normal(self.dim)
        return (vector / max(float(np.linalg.norm(vector)), 1e-12)).astype(np.float32)


def header(message: Outgoing, name: str) -> str | None:
    """One of our headers of an answer, without the prefix."""
    return next((value.decode() for key, value in message.headers if key == PREFIX + name), None)
