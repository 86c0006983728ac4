"""The headers by which a result or a dead letter names the message that it answers."""

from collections.abc import Iterable
from dataclasses import dataclass

from textsieve.worker.headers import PREFIX, SOURCE_HEADER
from textsieve.worker.records import Partition

TOPIC_ID_HEADER = PREFIX + "topic-id"
MAX_DIGITS = 19  # of a 64-bit offset


@dataclass(frozen=True, slots=True)
class AnswerHeaders:
    """The message that one result or dead letter answers, as its headers say."""

    source: Partition
    offset: int
    topic_id: str

    def is_of(self, topic_id: str) -> bool:
        """Whether it answers this life of the topic, as far as it says so."""
        return not self.topic_id or self.topic_id == topic_id


def _is_number(text: str) -> bool:
    """Whether int() takes it and Kafka could have written it: a stranger may have put anything there."""
    return text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS


def answer_headers(headers: Iterable[tuple[str, bytes | None]]) -> AnswerHeaders | None:
    """What our headers say about one answer; None for a stranger's message."""
    source = topic_id = b""
    for name, value in headers:
        if name == SOURCE_HEADER:
            source = value or b""
        elif name == TOPIC_ID_HEADER:
            topic_id = value or b""
    parts = source.decode("utf-8", "replace").rsplit("/", 2)
    if len(parts) != 3 or not (_is_number(parts[1]) and _is_number(parts[2])):  # noqa: PLR2004  # topic/partition/offset
        return None
    return AnswerHeaders(Partition(parts[0], int(parts[1])), int(parts[2]), topic_id.decode("ascii", "replace"))
