"""Dead letters for tests of what becomes of them: as a reader of their topic gets them."""

from textsieve.worker.dead_letter_records import DeadLetterRecord, parse_dead_letter
from textsieve.worker.records import Outgoing, Record


def as_stored(letters: list[Outgoing], topic: str = "dead-letters") -> list[Record]:
    """What a reader of the dead-letter topic gets."""
    return [
        Record(topic, m.source.partition, index, m.key, m.value, m.timestamp_ms, tuple(m.headers))
        for index, m in enumerate(letters)
    ]


def dead_letter(
    source="in/0/7", *, reason="not_json", topic_id="", headers=(), value=b"x", key=b"k"
) -> DeadLetterRecord:
    """One that says what is given."""
    ours = [("source", source), ("reason", reason), ("topic-id", topic_id), ("timestamp", "1000"), *headers]
    record = Record("dead-letters", 0, 3, key, value, 5, tuple(("textsieve." + n, v.encode()) for n, v in ours))
    found = parse_dead_letter(record)
    assert found is not None
    return found
