"""A dead letter is what came in, or says what was cut of it."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.answers import answer
from textsieve.worker.records import DeadLetter, Header, Outgoing, Record
from textsieve.worker.redaction import Keys, Redactor
from textsieve.worker.redaction.keys import Key
from textsieve.worker.stages.dead_letters import DeadLetterEncoder
from textsieve.worker.testing import header

SMALLEST_LIMIT = 1024  # of output.max_message_bytes

sizes = st.integers(min_value=0, max_value=6000)


def record(value: bytes | None, *, key: bytes | None = None, headers: Sequence[Header] = ()) -> Record:
    return Record("messages", 3, 1042, key, value, 1000, tuple(headers))


def bury(original: Record, **options: object) -> Outgoing:
    letter = DeadLetter(original, "decode", "not_json", "expected JSON")
    return DeadLetterEncoder(**options).encode(letter, now_ms=2000)


def kafka_bytes(message: Outgoing) -> int:
    """What Kafka keeps of a message, but for its framing."""
    headers = sum(len(name.encode()) + len(value) for name, value in message.headers)
    return len(message.key or b"") + len(message.value or b"") + headers


@pytest.mark.parametrize(("choice", "expected"), [("input", 1000), ("now", 2000)])
def test_an_answer_has_the_timestamp_that_was_asked_for(choice, expected):
    answers = answer(record(b'{"text": "hello"}'), timestamp=choice), bury(record(b"x"), timestamp=choice)

    assert [expected, expected] == [answer.timestamp_ms for answer in answers]


def test_a_dead_letter_carries_key_and_value_untouched_and_says_why():
    headers = [("trace", b"1"), ("textsieve.reason", b"forged")]

    letter = bury(record(b"\xff\x00", key=b"\xfe", headers=headers))

    assert (b"\xfe", b"\xff\x00") == (letter.key, letter.value)
    assert [
        ("trace", b"1"),
        ("textsieve.source", b"messages/3/1042"),
        ("textsieve.stage", b"decode"),
        ("textsieve.reason", b"not_json"),
        ("textsieve.detail", b"expected JSON"),
        ("textsieve.timestamp", b"1000"),
    ] == letter.headers


def test_a_tombstone_with_a_key_stays_a_tombstone():
    letter = bury(record(None, key=b"k"))

    assert (b"k", None, None) == (letter.key, letter.value, header(letter, "null"))


def test_a_message_without_key_and_value_gets_an_empty_value_and_says_so():
    letter = bury(record(None))

    assert (None, b"", "key,value") == (letter.key, letter.value, header(letter, "null"))


def test_a_dead_letter_too_large_keeps_a_prefix_and_the_hash_of_the_whole():
    value = bytes(range(256)) * 20

    letter = bury(record(value, key=b"k", headers=[("trace", b"1")]), max_message_bytes=2000)

    assert 0 < len(letter.value) < len(value)
    assert value.startswith(letter.value)
    assert (b"k", ("trace", b"1")) == (letter.key, letter.headers[0])
    assert "value" == header(letter, "cut")
    assert hashlib.sha256(value).hexdigest() == header(letter, "sha256")
    assert "5120" == header(letter, "original-bytes")


def test_a_dead_letter_with_huge_headers_loses_those_of_strangers_first():
    letter = bury(record(b"value", key=b"k", headers=[("trace", b"1" * 5000)]), max_message_bytes=2000)

    assert ("value,headers", b"k") == (header(letter, "cut"), letter.key)
    assert header(letter, "trace") is None


def test_a_dead_letter_with_a_huge_key_keeps_its_beginning():
    letter = bury(record(b"value", key=b"k" * 5000), max_message_bytes=2000)

    assert ("value,headers,key", b"k" * 128) == (header(letter, "cut"), letter.key)


def test_a_missing_value_is_still_missing_after_cutting():
    letter = bury(record(None, key=b"k" * 5000), max_message_bytes=SMALLEST_LIMIT)

    assert ("value,headers,key", None) == (header(letter, "cut"), letter.value)


def test_a_missing_key_is_still_missing_after_cutting():
    original = Record("t" * 249, 0, 1, None, b"v" * 5000, 0)
    letter = DeadLetter(original, "decode", "not_json", "d" * 200)

    cut = DeadLetterEncoder(max_message_bytes=SMALLEST_LIMIT).encode(letter, now_ms=0)

    assert ("value,headers,key", None) == (header(cut, "cut"), cut.key)


def test_a_header_name_is_measured_in_bytes():
    letter = bury(record(b"value", headers=[("é" * 1500, b"")]), max_message_bytes=2500)

    assert kafka_bytes(letter) <= 2500


@given(
    st.none() | sizes,
    st.none() | sizes,
    st.lists(st.tuples(st.text(max_size=300), sizes), max_size=5),
    st.integers(min_value=SMALLEST_LIMIT, max_value=5000),
    st.integers(min_value=1, max_value=249),
)
def test_a_dead_letter_always_fits_its_topic(key_bytes, value_bytes, headers, limit, topic_length):
    original = Record(
        "t" * topic_length,
        2**31 - 1,
        2**63 - 1,
        None if key_bytes is None else b"k" * key_bytes,
        None if value_bytes is None else b"v" * value_bytes,
        -1,
        tuple((name, b"h" * length) for name, length in headers),
    )

    letter = bury(original, max_message_bytes=limit)

    assert kafka_bytes(letter) <= limit


@given(sizes, sizes)
def test_a_dead_letter_is_whole_or_says_what_was_cut(value_bytes, header_bytes):
    original = record(b"v" * value_bytes, key=b"k", headers=[("trace", b"h" * header_bytes)])

    letter = bury(original, max_message_bytes=4000)

    whole = (original.key, original.value, original.headers[0]) == (letter.key, letter.value, letter.headers[0])
    assert whole == (header(letter, "cut") is None)


REDACTOR = Redactor.of(("email", "card"))
ORIGINAL = b'{"text": ["jo@example.org"]}'


def test_a_redacted_dead_letter_says_what_was_taken_out_and_holds_no_hash_of_it():
    letter = bury(record(ORIGINAL, key=b"k"), value="redacted", redactor=REDACTOR)

    assert (b"k", b'{"text":["[email]"]}', "email=1") == (letter.key, letter.value, header(letter, "redacted"))
    assert [] == [name for name, _ in letter.headers if "sha256" in name or "cut" in name]


def test_a_dead_letter_in_which_nothing_is_found_is_whole():
    original = record(b'{ "text": 42 }')

    assert bury(original) == bury(original, value="redacted", redactor=REDACTOR)


def test_the_pseudonyms_of_a_dead_letter_belong_to_its_tenant():
    keyed = Redactor.of(("email",), mode="pseudonym", keys=Keys(Key("1", b"a" * 16)))
    values = (
        b'{"mail": "jo@example.org", "of": {"tenant": "one"}}',
        b'{"mail": "jo@example.org"}',
        b'"jo@example.org"',
        b'{"mail": "jo@example.org", "of": {"tenant": "one"}',
    )

    letters = [bury(record(one), value="redacted", redactor=keyed, tenant_field="of.tenant") for one in values]

    assert keyed.redact("jo@example.org", tenant="one").text.encode() in letters[0].value
    assert [True] * 3 == [b"[email]" in letter.value for letter in letters[1:]]


@pytest.mark.parametrize("value", ["jo@example.org".encode("utf-16"), b"x" * 3000])
def test_what_cannot_be_redacted_is_hashed(value):
    letter = bury(record(value), value="redacted", redactor=REDACTOR, max_redacted_bytes=2000)

    assert (b"", "value") == (letter.value, header(letter, "cut"))


def test_a_hashed_dead_letter_keeps_hash_and_length_of_its_value():
    letter = bury(record(ORIGINAL, key=b"k"), value="hash")

    assert (b"k", b"", "value") == (letter.key, letter.value, header(letter, "cut"))
    assert hashlib.sha256(ORIGINAL).hexdigest() == header(letter, "sha256")
    assert str(len(ORIGINAL)) == header(letter, "original-bytes")


@pytest.mark.parametrize("value", [None, b""])
@pytest.mark.parametrize("kept", ["redacted", "hash"])
def test_a_value_that_holds_nothing_needs_no_hash(value, kept):
    original = record(value, key=b"k")

    assert bury(original) == bury(original, value=kept, redactor=REDACTOR)


def test_a_redacted_dead_letter_too_large_is_cut_behind_what_was_taken_out():
    letter = bury(record(b"jo@example.org " + b"x" * 3000), value="redacted", redactor=REDACTOR, max_message_bytes=2000)

    assert letter.value is not None
    assert (b"[email] xx", "value", "email=1") == (
        letter.value[:10],
        header(letter, "cut"),
        header(letter, "redacted"),
    )
