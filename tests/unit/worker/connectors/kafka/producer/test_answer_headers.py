"""What strangers may write into the ledger's topics."""

import pytest

from textsieve.worker.connectors.kafka.producer.answer_headers import answer_headers
from textsieve.worker.records import Partition


def test_an_answer_names_its_input() -> None:
    entry = answer_headers([("textsieve.source", b"messages/3/41"), ("textsieve.topic-id", b"t1")])

    assert entry is not None
    assert (Partition("messages", 3), 41, "t1") == (entry.source, entry.offset, entry.topic_id)


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"messages",
        b"messages/1",
        b"messages/-1/1",
        "messages/²/1".encode(),
        b"m/1/" + b"9" * 5000,
        b"\xff/1/x",
    ],
)
def test_a_forged_or_broken_source_is_a_strangers_message(value: bytes | None) -> None:
    assert answer_headers([("textsieve.source", value)]) is None
