"""Sinks that connect to nothing: their producers only take notes."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from textsieve.worker.connectors.kafka.producer.sending import ProducerFactory, Stamp
from textsieve.worker.connectors.kafka.producer.sink import KafkaSink
from textsieve.worker.records import Outgoing, Partition, Progress
from textsieve.worker.settings import KafkaSettings, OutputSettings

SOURCE = Partition("in", 2)
STAMP = Stamp("host-1", "1", {"in": "uuid"}, lambda: 7)


@dataclass
class Future:
    error: Exception | None

    def succeeded(self):
        return self.error is None

    def get(self, timeout):
        raise self.error


@dataclass
class Sender:
    """The thread of a producer."""

    ends: bool = True
    closed: bool = False

    def force_close(self):
        self.closed = True

    def join(self, timeout):
        pass

    def is_alive(self):
        return not self.ends


@dataclass
class RecordingProducer:
    """What a sink touches of a KafkaProducer, and of its insides.

    Attributes:
        fails: topic or name of a call -> what its acks or the call raise.
        holds: name of a call -> an event that it waits for.
    """

    notes: list[str] = field(default_factory=list)
    sent: list[dict] = field(default_factory=list)
    fails: dict[str, Exception] = field(default_factory=dict)
    holds: dict[str, Any] = field(default_factory=dict)
    offsets: list[tuple] = field(default_factory=list)  # as send_offsets_to_transaction got them
    config: dict[str, object] = field(default_factory=dict)
    limits: dict[str, object] = field(default_factory=dict)  # name of a call -> how long it was allowed to block
    leaderless: set = field(default_factory=set)  # (topic, partition)
    _sender: Sender = field(default_factory=Sender)

    @property
    def _metadata(self):
        return SimpleNamespace(
            leader_for_partition=lambda tp: -1 if tuple(tp) in self.leaderless else 1,
            request_update=lambda: self.notes.append("asks"),
        )

    def send(self, topic, **message):
        self.notes.append(f"send {topic}")
        self.sent.append({"topic": topic, **message})
        return Future(self.fails.get(topic))

    def flush(self, timeout):
        self.notes.append("flush")

    def init_transactions(self):
        self._called("init")

    def begin_transaction(self):
        self._called("begin")

    def send_offsets_to_transaction(self, offsets, group):
        self._called("offsets")
        self.offsets.append((offsets, group))

    def commit_transaction(self):
        self._called("commit")

    def close(self, timeout):
        self.notes.append("close")

    def _called(self, name):
        if name in self.holds:
            self.holds[name].wait(30)
        self.notes.append(name)
        self.limits[name] = self.config.get("max_block_ms")
        if name in self.fails:
            raise self.fails[name]


@dataclass
class RecordingFactory:
    """Opens prepared producers, one after the other."""

    prepared: list[RecordingProducer]
    kafka: KafkaSettings = field(default_factory=KafkaSettings)
    publish_seconds: float = 3.0
    options: list[dict] = field(default_factory=list)

    def open(self, **options):
        self.options.append(options)
        return self.prepared[len(self.options) - 1]


def bare_sink(producer=None, **changes) -> KafkaSink:
    """As the composition root would build it for one worker, its producer opened."""
    usual = {"producers": ProducerFactory(KafkaSettings(), OutputSettings(), 3.0), "stamp": STAMP, "batch": 10}
    return KafkaSink(**{**usual, **changes}, _producer=producer)


def answer(offset, partition=2):
    return Outgoing(Partition("in", partition), offset, None, b"{}", [("textsieve.source", b"in/2/%d" % offset)], -1)


def hand_over(sink, *, results=(), dead_letters=(), timeout_seconds=1.0, progress=None):
    progress = {SOURCE: Progress(10, 4)} if progress is None else progress
    sink.publish(results=results, dead_letters=dead_letters, progress=progress, timeout_seconds=timeout_seconds)
