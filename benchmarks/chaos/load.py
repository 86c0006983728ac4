"""Feeds one stream at a steady rate from a thread of its own."""

import queue
import threading
import time
from collections.abc import Sequence
from random import Random
from types import TracebackType
from typing import Self

from kafka import KafkaProducer

from benchmarks.chaos.errors import RunFailed
from benchmarks.chaos.messages import MessageKind, message, ordinary_kind

TICK_SECONDS = 0.1
SEND_SECONDS = 100.0  # for the broker to acknowledge a tick's messages: two of three may be away, and start slowly
REQUEST_MS = 3_000  # a broker that is stopped does not answer: whoever leads in its place is asked soon


class LoadGenerator:
    """Sends until the context ends, and knows what was acknowledged.

    Args:
        bootstrap_servers: of the broker.
        topic: the input topic.
        partitions: of it.
        rate: messages per second.
        seed: of the messages.
    """

    def __init__(self, bootstrap_servers: str, topic: str, *, partitions: int, rate: float, seed: int) -> None:
        self._producer = KafkaProducer(
            bootstrap_servers=bootstrap_servers.split(","),
            enable_idempotence=True,
            acks="all",
            request_timeout_ms=REQUEST_MS,
            max_block_ms=int(SEND_SECONDS * 1000),
        )
        self._topic, self._partitions, self._rate = topic, partitions, rate
        self._rng = Random(seed)
        self._wanted: queue.SimpleQueue[MessageKind] = queue.SimpleQueue()
        self._ends = dict.fromkeys(range(partitions), 0)
        self._sent = 0
        self._failure: Exception | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(SEND_SECONDS)
        self._producer.close(timeout=5)

    def stop(self) -> None:
        """Send no more; what was sent is acknowledged when this returns.

        Raises:
            RunFailed: the broker did not take everything.
        """
        self._stop.set()
        self._thread.join(SEND_SECONDS)
        if self._failure is not None:
            raise RunFailed(f"expected the broker to take every message, got {self._failure!r}")

    def insert(self, kinds: Sequence[MessageKind]) -> None:
        """Send these next, beside the ordinary stream."""
        for kind in kinds:
            self._wanted.put(kind)

    def ends(self) -> dict[int, int]:
        """Next offset of each partition, by what was acknowledged."""
        return dict(self._ends)

    def _run(self) -> None:
        due = time.monotonic()
        try:
            while not self._stop.is_set():
                self._send([ordinary_kind(self._rng) for _ in range(round(self._rate * TICK_SECONDS))])
                due += TICK_SECONDS
                self._stop.wait(max(0.0, due - time.monotonic()))
        except Exception as error:  # noqa: BLE001  # told to the director by stop()
            self._failure = error

    def _send(self, kinds: list[MessageKind]) -> None:
        while not self._wanted.empty():
            kinds.insert(self._rng.randrange(len(kinds) + 1), self._wanted.get())
        futures = []
        for kind in kinds:
            made = message(self._sent, kind, partitions=self._partitions, rng=self._rng)
            self._sent += 1
            futures.append(self._producer.send(self._topic, made.value, key=made.key, partition=made.partition))
        self._producer.flush(timeout=SEND_SECONDS)
        for future in futures:
            landed = future.get(timeout=SEND_SECONDS)
            self._ends[landed.partition] = max(self._ends[landed.partition], landed.offset + 1)
