"""Dead letters read back: what they say, and which of them an operator means."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.headers import PREFIX
from textsieve.worker.records import Record

REPLAY_HEADER: Final = (
    "textsieve-replayed"  # outside PREFIX: it passes through to the next answer, so a failure is traceable
)

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class DeadLetterRecord:
    """One dead letter.

    Attributes:
        source: `topic/partition/offset` of the message that failed.
        topic: of that message.
        topic_id: Kafka's UUID of that topic, "" where the broker has none.
        timestamp_ms: of that message.
        size_bytes: of its value, before anything was cut.
        cut: what was shortened or redacted, "" if it is whole.
        record: the dead letter as it stands in its topic.
    """

    source: str
    topic: str
    topic_id: str
    stage: str
    reason: str
    detail: str
    timestamp_ms: int
    size_bytes: int
    cut: str
    record: Record

    @property
    def replay_id(self) -> str:
        """What tells this message from every other, in whatever life of its topic."""
        return f"{self.source}@{self.topic_id}" if self.topic_id else self.source

    @property
    def replayed(self) -> tuple[str, ...]:
        """Replay ids of its earlier failures, the first one first."""
        return replay_ids(self.record)


def parse_dead_letter(record: Record) -> DeadLetterRecord | None:
    """What a record of the dead-letter topic says; None for a stranger's."""
    ours = {name.removeprefix(PREFIX): value for name, value in record.headers if name.startswith(PREFIX)}
    source = _text(ours.get("source"))
    topic = source.rsplit("/", 2)[0]
    if "reason" not in ours or source.count("/") < 2:  # noqa: PLR2004  # topic/partition/offset
        return None
    return DeadLetterRecord(
        source=source,
        topic=topic,
        topic_id=_text(ours.get("topic-id")),
        stage=_text(ours.get("stage")),
        reason=_text(ours.get("reason")),
        detail=_text(ours.get("detail")),
        timestamp_ms=_number(ours.get("timestamp"), record.timestamp_ms),
        size_bytes=_number(ours.get("original-bytes"), len(record.value or b"")),
        cut=_text(ours.get("cut")) or ("value" if "redacted" in ours else ""),
        record=record,
    )


def replay_ids(record: Record) -> tuple[str, ...]:
    """Which dead letters this message was before, the first one first."""
    return tuple(_text(value) for name, value in record.headers if name == REPLAY_HEADER)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters are meant; what is empty means all.

    Attributes:
        since_ms: timestamp of the message, Unix time in milliseconds.
    """

    reasons: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    since_ms: int | None = None

    def of(self, records: Iterable[Record]) -> Iterator[DeadLetterRecord]:
        """The dead letters that are meant; strangers' records are passed over."""
        return (
            letter for record in records if (letter := parse_dead_letter(record)) is not None and self._means(letter)
        )

    def _means(self, letter: DeadLetterRecord) -> bool:
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.topics or letter.topic in self.topics)
            and (self.since_ms is None or letter.timestamp_ms >= self.since_ms)
        )


def parse_since(text: str, *, now: datetime) -> int:
    """A point in time as people write it, in Unix milliseconds.

    Args:
        text: a duration back from now (`90s`, `15m`, `2h`, `7d`), or an ISO 8601 date or time (UTC unless it says).
        now: with a time zone.

    Raises:
        ConfigurationError: it is neither.

    Example:
        >>> parse_since("2h", now=datetime(2026, 11, 23, 12, tzinfo=UTC)) == parse_since(
        ...     "2026-11-23T10:00", now=datetime.now(UTC)
        ... )
        True
    """
    if back := re.fullmatch(r"(\d{1,5})([smhd])", text.strip()):
        moment = now - timedelta(**{_UNITS[back[2]]: int(back[1])})
    else:
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            raise ConfigurationError(f"--since: expected 90s, 15m, 2h, 7d or an ISO 8601 time, got {text!r}") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")


def _number(value: bytes | None, otherwise: int) -> int:
    return int(value) if value is not None and value.isdigit() else otherwise
