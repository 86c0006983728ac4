"""Follows the answers of a stream as they come, to see when everything sent before a moment is answered and counted."""

import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self, cast

import redis
from kafka.errors import KafkaError

from benchmarks.chaos.answered_offsets import AnsweredOffsets
from benchmarks.chaos.committed import committed_offsets
from textsieve.embedded.reading import Reader
from textsieve.embedded.results import source_of
from textsieve.embedded.topics import Names

POLL_SECONDS = 0.05
ASK_SECONDS = 2.0  # between two questions for what the group has committed


class Monitor:
    """Reads results and dead letters incrementally, and the watermarks of the store.

    It serves the director alone; the checker reads everything afresh.
    """

    def __init__(self, bootstrap_servers: str, store: redis.Redis, names: Names, *, partitions: int) -> None:
        self._reader = Reader(bootstrap_servers, [names.labels, names.dead_letters])
        self._store = store
        self._names = names
        self._offsets = AnsweredOffsets(dict.fromkeys(range(partitions), 0))
        self._seen: Counter[tuple[int, int]] = Counter()
        self._bootstrap_servers = bootstrap_servers
        self._asked = float("-inf")
        self._committed: Mapping[int, int] = {}  # what the group had when it was last asked; asked only about holes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._reader.__exit__(kind, error, at)

    def poll(self) -> None:
        """Take in what came since the last look."""
        found = (source_of(record) for record in self._reader.poll(max_wait_seconds=POLL_SECONDS))
        places = [(source.partition, source.offset) for source in found if source is not None]
        self._seen.update(places)
        self._offsets.add(places, now=time.monotonic())

    @property
    def repeated(self) -> int:
        """Answers beyond the first of each message, so far."""
        return sum(self._seen.values()) - len(self._seen)

    @property
    def answers(self) -> int:
        """How many messages have an answer so far: grows as long as there is offsets."""
        return len(self._seen)

    @property
    def has_hole(self) -> bool:
        """Whether some message will never be answered, as the group is past it: nothing is worth waiting for."""
        now = time.monotonic()
        holes = self._offsets.holes(now=now)
        if holes and now - self._asked > ASK_SECONDS:
            self._asked = now
            with suppress(KafkaError):  # away for now: asked again later
                self._committed = committed_offsets(self._bootstrap_servers, self._names, len(self._offsets.floor))
        return any(self._committed.get(partition, 0) > floor for partition, floor in holes.items())

    def is_answered(self, ends: Mapping[int, int]) -> bool:
        """Whether every message below these offsets has an answer."""
        return self._offsets.reaches(ends)

    def is_counted(self, ends: Mapping[int, int]) -> bool:
        """Whether the store knows every message below these offsets; False while it does not answer.

        Before seeding it knows them in its pool.
        """
        try:
            marks = self._marks("centroids"), self._marks("pool")
        except redis.RedisError:
            return False
        return all(max(known.get(partition, 0) for known in marks) >= end for partition, end in ends.items())

    def is_seeded(self) -> bool:
        """Whether the space has centroids; False while the store does not answer."""
        try:
            return bool(self._store.hexists(self._key("centroids"), "centers"))
        except redis.RedisError:
            return False

    def _marks(self, what: str) -> dict[int, int]:
        partitions = list(self._offsets.floor)
        names = [f"offset:{self._names.messages}:{partition}" for partition in partitions]
        marks = cast("list[bytes | None]", self._store.hmget(self._key(what), names))
        found = zip(partitions, marks, strict=True)
        return {partition: int(mark.partition(b"@")[0]) for partition, mark in found if mark is not None}

    def _key(self, what: str) -> str:
        return f"textsieve:{{{self._names.space}}}:{what}"
