"""Dead letters read back: what they say, which of them an operator means, and which can go to the input again."""

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.headers import PREFIX
from textsieve.worker.records import Header, Record

REPLAYED: Final = (
    "textsieve-replayed"  # outside PREFIX: it passes through to the next answer, so a failure is traceable
)

REFUSALS: Final = {
    "cut": "the value was shortened, hashed or redacted: what came is gone",
    "null": "neither key nor value: Kafka takes no such message from a producer",
    "foreign": "from a topic that is not among kafka.input_topics",
    "replayed": "sent before: the input topic holds its mark",
    "repeated": "the same dead letter once more",
}
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Letter:
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
    def mark(self) -> str:
        """What tells this message from every other, in whatever life of its topic."""
        return f"{self.source}@{self.topic_id}" if self.topic_id else self.source

    @property
    def replayed(self) -> tuple[str, ...]:
        """Marks of its earlier failures, the first one first."""
        return marks(self.record)


def read_letter(record: Record) -> Letter | None:
    """What a record of the dead-letter topic says; None for a stranger's."""
    ours = {name.removeprefix(PREFIX): value for name, value in record.headers if name.startswith(PREFIX)}
    source = _text(ours.get("source"))
    topic = source.rsplit("/", 2)[0]
    if "reason" not in ours or source.count("/") < 2:  # noqa: PLR2004  # topic/partition/offset
        return None
    return Letter(
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


def marks(record: Record) -> tuple[str, ...]:
    """Which dead letters this message was before, the first one first."""
    return tuple(_text(value) for name, value in record.headers if name == REPLAYED)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters are meant; what is empty means all.

    Attributes:
        since_ms: timestamp of the message, Unix time in milliseconds.
    """

    reasons: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    since_ms: int | None = None

    def of(self, records: Iterable[Record]) -> Iterator[Letter]:
        """The letters that are meant; strangers' records are passed over."""
        return (letter for record in records if (letter := read_letter(record)) is not None and self._means(letter))

    def _means(self, letter: Letter) -> bool:
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


@dataclass(frozen=True, slots=True)
class Plan:
    """What a replay would do.

    Attributes:
        sendable: mark -> (topic, reason), in the order of the dead-letter topic; 300 bytes of memory each.
        refused: why -> how many; the words of REFUSALS.
    """

    sendable: dict[str, tuple[str, str]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def topics(self) -> tuple[str, ...]:
        """Where the messages would go."""
        return tuple(sorted({topic for topic, _ in self.sendable.values()}))

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """(topic, reason) -> how many would be sent."""
        return Counter(self.sendable.values())

    def without(self, sent_before: Container[str]) -> "Plan":
        """Leave out what an earlier replay sent."""
        left = {mark: kind for mark, kind in self.sendable.items() if mark not in sent_before}
        again = len(self.sendable) - len(left)
        return replace(self, sendable=left, refused=self.refused + Counter(replayed=again))

    def first(self, limit: int | None) -> "Plan":
        """The first so many; the rest is for another run."""
        return replace(self, sendable=dict(list(self.sendable.items())[:limit]))


def plan(letters: Iterable[Letter], *, inputs: Container[str]) -> Plan:
    """Which letters can be sent, and how many cannot for which reason.

    Args:
        letters: those that are meant.
        inputs: topics a message may go back to.
    """
    made = Plan()
    for letter in letters:
        refusal = "repeated" if letter.mark in made.sendable else _refusal(letter, inputs)
        if refusal:
            made.refused[refusal] += 1
        else:
            made.sendable[letter.mark] = (letter.topic, letter.reason)
    return made


def _refusal(letter: Letter, inputs: Container[str]) -> str | None:
    if letter.topic not in inputs:
        return "foreign"
    if letter.cut:
        return "cut"
    if _is_null(letter.record):
        return "null"
    return None


def messages(letters: Iterable[Letter], made: Plan) -> Iterator[Record]:
    """The planned messages, each once, as `revive` makes them."""
    waiting = set(made.sendable)
    for letter in letters:
        if letter.mark in waiting:
            waiting.remove(letter.mark)
            yield revive(letter)


def revive(letter: Letter) -> Record:
    """The message that became this letter: its topic, key, value and headers, and a mark of where it failed.

    Partition, offset and timestamp are still the letter's: a message is given new ones when it is sent.
    """
    foreign: list[Header] = [header for header in letter.record.headers if not header[0].startswith(PREFIX)]
    headers = (*foreign, (REPLAYED, letter.mark.encode()))
    return msgspec.structs.replace(letter.record, topic=letter.topic, headers=headers)


def _is_null(record: Record) -> bool:
    return any(name == PREFIX + "null" for name, _ in record.headers)


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")


def _number(value: bytes | None, otherwise: int) -> int:
    return int(value) if value is not None and value.isdigit() else otherwise
