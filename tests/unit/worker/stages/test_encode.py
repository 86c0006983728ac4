"""What goes out is what came in and what was found, or says that it does not fit."""

import base64
import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.answers import KnownModel, answer, unseeded
from textsieve.worker.records import Header, Outgoing, Record
from textsieve.worker.settings import InputSettings
from textsieve.worker.testing import header

sizes = st.integers(min_value=0, max_value=6000)


def record(value: bytes | None, *, key: bytes | None = None, headers: Sequence[Header] = ()) -> Record:
    return Record("messages", 3, 1042, key, value, 1000, tuple(headers))


def result(value: bytes, **options: object) -> dict[str, object]:
    return json.loads(answer(record(value), **options).value)


def kafka_bytes(message: Outgoing) -> int:
    """What Kafka keeps of a message, but for its framing."""
    headers = sum(len(name.encode()) + len(value) for name, value in message.headers)
    return len(message.key or b"") + len(message.value or b"") + headers


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
    assert result(b'{"text": "hello"}', assign=unseeded)["cluster"] is None


def test_the_text_can_be_left_out():
    assert result(b'{"text": "hello"}', text="none")["text"] is None


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
    encoded = answer(record(b'{"text": "hello", "other": %s}' % raw))

    assert b'"attributes":{"other":%s}' % raw in encoded.value


def test_the_neighbours_of_a_dotted_path_are_passed_on_byte_for_byte():
    encoded = answer(record(b'{"body": {"text": "hello", "n": 1.50}}'), incoming=InputSettings(text_field="body.text"))

    assert b'"attributes":{"body":{"n":1.50}}' in encoded.value


@given(st.text(min_size=1).filter(str.strip))
def test_any_text_comes_back_as_it_was(text):
    assert text == result(json.dumps({"text": text}).encode())["text"]


def test_an_embedding_in_base64_is_little_endian_float16():
    encoded = result(b'{"text": "hello"}', embedding="base64")["embedding"]

    assert (
        np.asarray(KnownModel().embedding, np.float32).astype(np.float16).tolist()
        == np.frombuffer(base64.b64decode(encoded), "<f2").tolist()
    )


def test_an_embedding_as_a_list_has_six_decimals():
    assert [0.6, -0.8, 0.333333] == result(b'{"text": "hello"}', embedding="list")["embedding"]


def test_key_and_headers_pass_through_a_result_and_forged_ones_do_not():
    forged = [("textsieve.source", b"messages/0/0"), ("textsieve.worker", b"nobody")]
    original = record(b'{"text": "hello"}', key=b"k", headers=[("trace", b"1"), *forged, ("trace", b"2")])

    encoded = answer(original)

    assert b"k" == encoded.key
    assert [("trace", b"1"), ("trace", b"2"), ("textsieve.source", b"messages/3/1042")] == encoded.headers


def test_a_result_too_large_for_its_topic_is_a_dead_letter():
    letter = answer(record(json.dumps({"text": "a" * 2000}).encode()), max_message_bytes=2000)

    assert ("encode", "result_too_large") == (header(letter, "stage"), header(letter, "reason"))


@given(sizes, sizes, st.text(st.characters(codec="utf-8"), max_size=400), sizes)
def test_what_is_not_a_dead_letter_fits_its_topic(text_bytes, key_bytes, name, header_bytes):
    headers = [(name, b"h" * header_bytes)]
    original = record(b'{"text": "x%s"}' % (b"a" * text_bytes), key=b"k" * key_bytes, headers=headers)

    assert kafka_bytes(answer(original, max_message_bytes=4096)) <= 4096
