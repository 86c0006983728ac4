"""Answers are byte for byte those that readers have had: a change of them is a change of the contract."""

from pathlib import Path

import pytest

from tests.answers import KnownModel, answer, third, unseeded
from textsieve.worker.records import Header, Record

GOLDEN = Path(__file__).with_name("golden")
MESSAGES: dict[str, tuple[bytes | None, tuple[Header, ...]]] = {
    "plain": (b'{"id": "c-1", "text": "hello", "channel": "web"}', ()),
    "disguised": (b'{"id": 1.50, "text": "f r e e ca$h", "deep": {"er": [1, null, 2.5], "b":  1e5}}', ()),
    "other scripts": ('{"text": "héllo 你好 \\u0007", "a": "\\u00e9\\/"}'.encode(), (("traceparent", b"00-4bf9"),)),
    "no json": (b"no json", (("textsieve.source", b"forged/0/0"),)),
    "tombstone": (None, ()),
    "too large": (b'{"text": "%s"}' % (b"a" * 3000), ()),
}
OPTIONS = {
    "default": {"assign": unseeded},
    "clusters": {"assign": third, "embedding": "base64"},
    "labels": {"assign": third, "model": KnownModel((0.6, 0.9), multi_label=True), "embedding": "list"},
    "now": {"assign": third, "timestamp": "now", "text": "none"},
}


def written(options: dict[str, object]) -> bytes:
    """One line for each message: what is sent."""
    lines = []
    for place, (value, headers) in enumerate(MESSAGES.values()):
        sent = answer(Record("in", 3, 100 + place, b"k", value, 1000, headers), max_message_bytes=2000, **options)
        lines.append(repr((sent.key, sent.value, sent.headers, sent.timestamp_ms)))
    return "\n".join([*lines, ""]).encode()


@pytest.mark.parametrize("name", OPTIONS)
def test_what_is_sent_is_byte_for_byte_what_was_sent_before(name):
    assert (GOLDEN / f"{name}.txt").read_bytes() == written(OPTIONS[name])
