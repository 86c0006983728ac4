"""Which dead letters can go to the input again, and as what."""

from collections import Counter
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec

from textsieve.worker.dead_letter_records import REPLAY_HEADER, DeadLetterRecord
from textsieve.worker.headers import PREFIX
from textsieve.worker.records import Header, Record

REFUSALS: Final = {
    "cut": "the value was shortened, hashed or redacted: what came is gone",
    "null": "neither key nor value: Kafka takes no such message from a producer",
    "foreign": "from a topic that is not among kafka.input_topics",
    "replayed": "sent before: the input topic holds its replay id",
    "repeated": "the same dead letter once more",
}


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """What a replay would do.

    Attributes:
        sendable: replay id -> (topic, reason), in the order of the dead-letter topic; 300 bytes of memory each.
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

    def without(self, sent_before: Container[str]) -> "ReplayPlan":
        """Leave out what an earlier replay sent."""
        left = {replay_id: kind for replay_id, kind in self.sendable.items() if replay_id not in sent_before}
        again = len(self.sendable) - len(left)
        return replace(self, sendable=left, refused=self.refused + Counter(replayed=again))

    def first(self, limit: int | None) -> "ReplayPlan":
        """The first so many; the rest is for another run."""
        return replace(self, sendable=dict(list(self.sendable.items())[:limit]))


def make_plan(letters: Iterable[DeadLetterRecord], *, inputs: Container[str]) -> ReplayPlan:
    """Which dead letters can be sent, and how many cannot for which reason.

    Args:
        letters: those that are meant.
        inputs: topics a message may go back to.
    """
    made = ReplayPlan()
    for letter in letters:
        refusal = "repeated" if letter.replay_id in made.sendable else _refusal(letter, inputs)
        if refusal:
            made.refused[refusal] += 1
        else:
            made.sendable[letter.replay_id] = (letter.topic, letter.reason)
    return made


def _refusal(letter: DeadLetterRecord, inputs: Container[str]) -> str | None:
    if letter.topic not in inputs:
        return "foreign"
    if letter.cut:
        return "cut"
    if _is_null(letter.record):
        return "null"
    return None


def originals(letters: Iterable[DeadLetterRecord], made: ReplayPlan) -> Iterator[Record]:
    """The planned messages, each once, as `to_original` makes them."""
    waiting = set(made.sendable)
    for letter in letters:
        if letter.replay_id in waiting:
            waiting.remove(letter.replay_id)
            yield to_original(letter)


def to_original(letter: DeadLetterRecord) -> Record:
    """The message that became this dead letter: its topic, key, value and headers, and the replay id of its failure.

    Partition, offset and timestamp are still the dead letter's: a message is given new ones when it is sent.
    """
    foreign: list[Header] = [header for header in letter.record.headers if not header[0].startswith(PREFIX)]
    headers = (*foreign, (REPLAY_HEADER, letter.replay_id.encode()))
    return msgspec.structs.replace(letter.record, topic=letter.topic, headers=headers)


def _is_null(record: Record) -> bool:
    return any(name == PREFIX + "null" for name, _ in record.headers)
