"""Every message has one outcome, and what goes out is what came in, or says what was cut."""

import base64
import hashlib
import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from textsieve.worker.codec import Answer, Decoder, Encoder
from textsieve.worker.records import NO_CLUSTER, REASONS, DeadLetter, Document, Header, Outgoing, Record
from textsieve.worker.testing import header

ANSWER = Answer("spam", 0.9, {"ham": 0.1, "spam": 0.9}, ["spam"], cluster_id=3, distance=0.5, version=7)
EMBEDDING = np.asarray([0.6, -0.8, 1 / 3], np.float32)
DEEP = b"[" * 100_000 + b"]" * 100_000
SMALLEST_LIMIT = 1024  # of output.max_message_bytes

# what docs/messages.md lists, and the ways to write it
BAD_INPUTS = [
    ("null_value", None),
    ("too_large", b'{"text": "' + b"a" * 300 + b'"}'),
    ("not_utf8", b'{"text": "\xff"}'),
    ("not_utf8", b"\xed\xa0\x80"),
    ("not_json", b""),
    ("not_json", b"  "),
    ("not_json", b"hello"),
    ("not_json", b'{"text": "cut of'),
    ("not_json", b'{"text": "hello"} and more'),
    ("not_json", b'{"text": "raw\x00null"}'),
    ("lone_surrogate", b'{"text": "\\ud800"}'),
    ("schema_registry", b"\x00\x00\x00\x00\x07\x02\x0ahello"),
    ("not_json", b'{"text": 1e999}'),
    ("not_json", b'{"text": "hello", "other": NaN}'),
    ("not_an_object", b"[]"),
    ("not_an_object", b'"hello"'),
    ("not_an_object", b"42"),
    ("not_an_object", b"null"),
    ("no_text", b"{}"),
    ("no_text", b'{"Text": "hello"}'),
    ("no_text", b'{"text": null}'),
    ("text_not_a_string", b'{"text": 42}'),
    ("text_not_a_string", b'{"text": ["hello"]}'),
    ("text_not_a_string", b'{"text": false}'),
    ("empty_text", b'{"text": ""}'),
    ("empty_text", b'{"text": " \\t\\u00a0\\n"}'),
    ("id_not_a_string", b'{"text": "hello", "id": true}'),
    ("id_not_a_string", b'{"text": "hello", "id": {}}'),
]

# bad values that hold a secret in every place where a careless message would quote it
LEAKS = [
    b"%s",
    b'"%s"',
    b'{"%s": 1}',
    b'{"text": 1, "%s": 1}',
    b'{"text": ["%s"]}',
    b'{"text": "hello", "id": ["%s"]}',
    b'{"text": "%s\xff"}',
    b'{"text": "%s',
    b'{"text": "\\%s"}',
    b'{"text": {"%s": "%s"}}',
]

sizes = st.integers(min_value=0, max_value=6000)


def record(value: bytes | None, *, key: bytes | None = None, headers: Sequence[Header] = ()) -> Record:
    return Record("messages", 3, 1042, key, value, 1000, tuple(headers))


def decode(value: bytes, **options: object) -> Document:
    document = Decoder(**options).decode(record(value))
    assert isinstance(document, Document), document
    return document


def refuse(value: bytes | None, **options: object) -> DeadLetter:
    letter = Decoder(**options).decode(record(value))
    assert isinstance(letter, DeadLetter), letter
    return letter


def encode(document: Document, *, answer: Answer = ANSWER, **options: object) -> Outgoing:
    encoded = Encoder("sms-spam", "1", **options).result(document, answer, EMBEDDING, now_ms=2000)
    assert isinstance(encoded, Outgoing), encoded
    return encoded


def result(value: bytes, *, answer: Answer = ANSWER, **options: object) -> dict[str, object]:
    return json.loads(encode(decode(value), answer=answer, **options).value)


def bury(original: Record, **options: object) -> Outgoing:
    letter = DeadLetter(original, "decode", "not_json", "expected JSON")
    return Encoder("sms-spam", "1", **options).dead_letter(letter, now_ms=2000)


def kafka_bytes(message: Outgoing) -> int:
    """What Kafka keeps of a message, but for its framing."""
    headers = sum(len(name.encode()) + len(value) for name, value in message.headers)
    return len(message.key or b"") + len(message.value or b"") + headers


@pytest.mark.parametrize(("expected", "value"), BAD_INPUTS)
def test_a_bad_input_has_the_reason_that_the_docs_name(expected, value):
    assert expected == refuse(value, max_value_bytes=256).reason


def test_every_reason_of_the_decoder_has_an_example_here():
    of_later_stages = {"inference_failed", "result_too_large"}

    assert set(REASONS) - of_later_stages == {name for name, _ in BAD_INPUTS}


def test_a_value_is_measured_in_bytes_and_may_be_just_as_long_as_allowed():
    value = '{"text": "é"}'.encode()

    assert "é" == decode(value, max_value_bytes=14).text
    assert "too_large" == refuse(value, max_value_bytes=13).reason


@pytest.mark.parametrize("value", [b'{"text": %s}' % DEEP, b'{"other": %s, "text": "hello"}' % DEEP])
def test_nesting_that_would_exhaust_the_stack_is_not_json(value):
    assert "not_json" == refuse(value, max_value_bytes=1_000_000).reason


def test_text_and_id_are_taken_out_and_the_rest_are_attributes():
    document = decode(b'{"id": "c-1", "text": "hello", "channel": "web"}')

    assert ("c-1", "hello", {"channel"}) == (document.id, document.text, set(document.attributes))


@pytest.mark.parametrize("value", [b'{"text": "hello"}', b'{"text": "hello", "id": null}'])
def test_an_id_may_be_missing(value):
    assert decode(value).id is None


def test_of_a_field_that_occurs_twice_the_last_one_counts():
    assert "second" == decode(b'{"text": "first", "text": "second"}').text


@pytest.mark.parametrize("style", ["json", "text"])
def test_a_byte_order_mark_before_the_value_is_ignored(style):
    value = {"json": b'{"text": "hello"}', "text": b"hello"}[style]

    assert "hello" == decode(b"\xef\xbb\xbf" + value, format=style).text


def test_null_bytes_and_control_characters_are_kept():
    assert "a\x00b\x1bc" == decode(b'{"text": "a\\u0000b\\u001bc"}').text


def test_white_space_around_a_text_is_kept():
    assert " hello\n" == decode(b'{"text": " hello\\n"}').text


def test_dotted_paths_reach_inside_objects():
    value = b'{"body": {"text": "hello"}, "meta": {"id": "m-1"}}'

    document = decode(value, text_field="body.text", id_field="meta.id")

    assert ("hello", "m-1") == (document.text, document.id)


def test_two_dotted_paths_may_share_an_object():
    document = decode(b'{"body": {"text": "hello", "id": "m-1"}}', text_field="body.text", id_field="body.id")

    assert ("hello", "m-1") == (document.text, document.id)


@pytest.mark.parametrize(
    "value", [b'{"body": "hello"}', b'{"body": null}', b'{"body": {}}', b'{"text": "hello"}', b'{"body.txt": "hello"}']
)
def test_a_dotted_path_that_leads_nowhere_is_no_text(value):
    assert "no_text" == refuse(value, text_field="body.text").reason


def test_a_plain_text_is_the_whole_value():
    document = decode(b'{"text": 42}', format="text")

    assert ('{"text": 42}', None, {}) == (document.text, document.id, document.attributes)


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        ("null_value", None),
        ("not_utf8", b"\xff"),
        ("empty_text", b""),
        ("empty_text", b" \n"),
        ("too_large", b"a" * 65),
    ],
)
def test_a_plain_text_is_refused_for_these_reasons(expected, value):
    assert expected == refuse(value, format="text", max_value_bytes=64).reason


@given(st.binary(max_size=200), st.sampled_from(["json", "text"]), st.sampled_from(["text", "a.b"]))
@example(b'{"text": ' + b"9" * 5000 + b"}", "json", "text")
def test_any_bytes_give_a_document_with_text_or_a_dead_letter_with_a_known_reason(value, style, path):
    outcome = Decoder(style, text_field=path, max_value_bytes=10_000).decode(record(value))

    if isinstance(outcome, DeadLetter):
        assert ("decode", True) == (outcome.stage, outcome.reason in REASONS)
    else:
        assert "" != outcome.text.strip()


@given(st.sampled_from(LEAKS), st.from_regex(r"\A[A-Z]{12}\Z"))
def test_a_detail_contains_nothing_of_the_payload(shape, secret):
    letter = refuse(shape.replace(b"%s", secret.encode()))

    assert secret not in letter.detail


@pytest.mark.parametrize(("reason", "value"), BAD_INPUTS)
def test_a_detail_is_one_short_line(reason, value):
    detail = refuse(value, max_value_bytes=256).detail

    assert [detail] == detail.splitlines()
    assert len(detail) <= 200


def test_a_result_says_where_it_came_from_and_what_was_found():
    assert {
        "id": "messages/3/1042",
        "document_id": "c-1",
        "text": "hello",
        "label": "spam",
        "score": 0.9,
        "scores": {"ham": 0.1, "spam": 0.9},
        "labels": ["spam"],
        "cluster": {"id": 3, "distance": 0.5, "version": 7},
        "model": {"name": "sms-spam", "version": "1"},
        "embedding": None,
        "attributes": {"channel": "web"},
        "source": {"topic": "messages", "partition": 3, "offset": 1042, "timestamp_ms": 1000},
        "processed_ms": 2000,
    } == result(b'{"id": "c-1", "text": "hello", "channel": "web"}')


def test_before_seeding_the_cluster_is_null():
    unseeded = replace(ANSWER, cluster_id=NO_CLUSTER, distance=0.0, version=0)

    assert result(b'{"text": "hello"}', answer=unseeded)["cluster"] is None


def test_the_text_can_be_left_out():
    assert result(b'{"text": "hello"}', include_text=False)["text"] is None


@pytest.mark.parametrize(
    "raw",
    [
        b'{"b":1,  "a" : 1.50}',
        b"1e5",
        b"123456789012345678901234567890",
        b"0.1000000000000000055511151231257827",
        b'"\\u00e9\\/"',
        b"[ null , true ]",
        b'{"x": 1, "x": 2}',
    ],
)
def test_an_attribute_is_passed_on_byte_for_byte(raw):
    encoded = encode(decode(b'{"text": "hello", "other": %s}' % raw))

    assert b'"attributes":{"other":%s}' % raw in encoded.value


def test_the_neighbours_of_a_dotted_path_are_passed_on_byte_for_byte():
    encoded = encode(decode(b'{"body": {"text": "hello", "n": 1.50}}', text_field="body.text"))

    assert b'"attributes":{"body":{"n":1.50}}' in encoded.value


@given(st.text(min_size=1).filter(str.strip))
def test_any_text_comes_back_as_it_was(text):
    assert text == result(json.dumps({"text": text}).encode())["text"]


def test_an_embedding_in_base64_is_little_endian_float16():
    encoded = result(b'{"text": "hello"}', embedding="base64")["embedding"]

    assert EMBEDDING.astype(np.float16).tolist() == np.frombuffer(base64.b64decode(encoded), "<f2").tolist()


def test_an_embedding_as_a_list_has_six_decimals():
    assert [0.6, -0.8, 0.333333] == result(b'{"text": "hello"}', embedding="list")["embedding"]


@pytest.mark.parametrize(("choice", "expected"), [("input", 1000), ("now", 2000)])
def test_an_answer_has_the_timestamp_that_was_asked_for(choice, expected):
    answers = encode(decode(b'{"text": "hello"}'), timestamp=choice), bury(record(b"x"), timestamp=choice)

    assert [expected, expected] == [answer.timestamp_ms for answer in answers]


def test_key_and_headers_pass_through_a_result_and_forged_ones_do_not():
    forged = [("textsieve.source", b"messages/0/0"), ("textsieve.worker", b"nobody")]
    original = record(b'{"text": "hello"}', key=b"k", headers=[("trace", b"1"), *forged, ("trace", b"2")])

    encoded = encode(Decoder().decode(original))

    assert b"k" == encoded.key
    assert [("trace", b"1"), ("trace", b"2"), ("textsieve.source", b"messages/3/1042")] == encoded.headers


def test_a_result_too_large_for_its_topic_is_a_dead_letter():
    document = decode(json.dumps({"text": "a" * 2000}).encode())

    letter = Encoder("m", "1", max_message_bytes=2000).result(document, ANSWER, EMBEDDING, now_ms=0)

    assert isinstance(letter, DeadLetter)
    assert ("encode", "result_too_large") == (letter.stage, letter.reason)


@given(sizes, sizes, st.text(st.characters(codec="utf-8"), max_size=400), sizes)
def test_what_is_not_a_dead_letter_fits_its_topic(text_bytes, key_bytes, name, header_bytes):
    headers = [(name, b"h" * header_bytes)]
    original = record(b'{"text": "x%s"}' % (b"a" * text_bytes), key=b"k" * key_bytes, headers=headers)
    document = Decoder().decode(original)

    encoded = Encoder("m", "1", max_message_bytes=4096).result(document, ANSWER, EMBEDDING, now_ms=0)

    assert isinstance(encoded, DeadLetter) or kafka_bytes(encoded) <= 4096


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

    cut = Encoder("m", "1", max_message_bytes=SMALLEST_LIMIT).dead_letter(letter, now_ms=0)

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


def test_a_list_that_never_ends_is_not_json():
    letter = Decoder().decode(Record("in", 0, 0, None, b"[1, 2", 0))

    assert isinstance(letter, DeadLetter)
    assert "not_json" == letter.reason
