"""Timestamps that a topic takes, and keeps for a while."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from textsieve.worker.connectors.kafka.topics.description import Topic

DAY_MS = 86_400_000
BROKER_RETENTION_MS = 7 * DAY_MS  # Kafka's default, where a topic does not say
BEFORE = ("message.timestamp.before.max.ms", "message.timestamp.difference.max.ms")  # the second one before Kafka 3.6
AFTER = ("message.timestamp.after.max.ms", "message.timestamp.difference.max.ms")
MARGIN_MS = 60_000  # between our clock and the broker's, and from here to there


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far from the present a timestamp may lie.

    Attributes:
        before_ms: into the past; None without a limit.
        after_ms: into the future; None without a limit.
    """

    before_ms: int | None = None
    after_ms: int | None = None


PRESENT = Bounds(0, 0)


def bounds_of(topic: Topic) -> Bounds:
    """What a topic takes, and keeps for at least half of its retention: records are deleted by their timestamps."""
    if topic.configs.get("message.timestamp.type") == "LogAppendTime":
        return Bounds()  # the broker sets its own
    retention = topic.number("retention.ms") if topic.configs else BROKER_RETENTION_MS
    kept = [] if retention is None or retention < 0 else [retention // 2]
    before = [limit for name in BEFORE if (limit := topic.number(name)) is not None]
    after = [limit for name in AFTER if (limit := topic.number(name)) is not None]
    return Bounds(
        before_ms=min([*kept, *(limit - MARGIN_MS for limit in before)], default=None),
        after_ms=min((limit - MARGIN_MS for limit in after), default=None),
    )


@dataclass(slots=True)
class Timestamps:
    """Timestamps of answers: their message's where the topic takes and keeps them, else the present.

    Attributes:
        bounds: topic to what it takes; one that is missing takes everything.
        now_ms: Unix time.
    """

    bounds: Mapping[str, Bounds] = field(default_factory=dict)
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    _refused: set[str] = field(default_factory=set)

    def fitting(self, topic: str, timestamp_ms: int) -> int:
        """The timestamp to send; -1 (a message without one) becomes the present too where old ones do not fit."""
        bounds = PRESENT if topic in self._refused else self.bounds.get(topic, Bounds())
        now = self.now_ms()
        is_old = bounds.before_ms is not None and timestamp_ms < now - max(0, bounds.before_ms)
        is_early = bounds.after_ms is not None and timestamp_ms > now + max(0, bounds.after_ms)
        return now if is_old or is_early else max(0, timestamp_ms)

    def refused(self, topic: str) -> None:
        """The broker refused one all the same (InvalidTimestampError): from now on send the present."""
        self._refused.add(topic)
