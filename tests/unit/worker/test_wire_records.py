"""Records as they come from senders of all kinds, with the one right outcome of each."""

import gzip
import json

import pytest

from textsieve.worker.records import DeadLetter, Document, Record, Skipped
from textsieve.worker.stages.decode import Decode

FRAME = b"\x00\x00\x00\x00\x07"  # of a serialiser with a schema registry: a zero and the id of a schema
HELLO = '{"text": "hello"}'
CLOUD_EVENT = {"specversion": "1.0", "id": "e-1", "type": "t", "source": "/s", "data": {"text": "hello"}}

READ = {
    # name: value, text, id
    "an object": (HELLO.encode(), "hello", None),
    "an object with more": (b'{"id": "c-1", "text": "hello", "n": [1, {"a": null}]}', "hello", "c-1"),
    "a byte order mark": (b"\xef\xbb\xbf" + HELLO.encode(), "hello", None),
    "white space around": (b' \r\n\t{"text" : "hello"}\n', "hello", None),
    "a number as id": (b'{"text": "hello", "id": 7}', "hello", "7"),
    "zero as id": (b'{"text": "hello", "id": 0}', "hello", "0"),
    "a negative id": (b'{"text": "hello", "id": -1}', "hello", "-1"),
    "a decimal id": (b'{"text": "hello", "id": 1.50}', "hello", "1.50"),
    "an id beyond 64 bits": (b'{"text": "hello", "id": 123456789012345678901234567890}', "hello", "1234567890" * 3),
    "an id that a float would lose": (b'{"text": "hello", "id": 9007199254740993}', "hello", "9007199254740993"),
    "an id with an exponent": (b'{"text": "hello", "id": 1E+2}', "hello", "1E+2"),
    "an empty id": (b'{"text": "hello", "id": ""}', "hello", ""),
    "null as id": (b'{"text": "hello", "id": null}', "hello", None),
    "a field twice": (b'{"text": "first", "text": "hello"}', "hello", None),
    "an id twice": (b'{"id": 1, "text": "hello", "id": 2}', "hello", "2"),
    "escapes": (b'{"text": "\\u0068\\u00e9\\/\\n"}', "h\u00e9/\n", None),
    "a surrogate pair": (b'{"text": "\\ud83d\\ude00"}', "\U0001f600", None),
    "a character of four bytes": ('{"text": "\U0001f600"}'.encode(), "\U0001f600", None),
    "escaped control characters": (b'{"text": "a\\u0000b\\u001b[31m"}', "a\x00b\x1b[31m", None),
    "a byte of DEL": (b'{"text": "a\x7fb"}', "a\x7fb", None),
    "white space around a text": (b'{"text": "  hello\\n"}', "  hello\n", None),
    "a name in capitals beside it": (b'{"TEXT": 1, "text": "hello"}', "hello", None),
    "an empty name": (b'{"": 1, "text": "hello"}', "hello", None),
    "numbers of any size beside it": (b'{"text": "hello", "n": 1e999, "m": -0.0}', "hello", None),
    "an array a hundred deep beside it": (b'{"a": %s1%s, "text": "hello"}' % (b"[" * 100, b"]" * 100), "hello", None),
    "JSON Schema of a registry": (FRAME + HELLO.encode(), "hello", None),
    "JSON Schema with a high id": (b"\x00\x00\x01\x86\xa1" + HELLO.encode(), "hello", None),
    "JSON Schema with white space": (FRAME + b"\n" + HELLO.encode(), "hello", None),
    "text that is JSON itself": (b'{"text": "{\\"text\\": 1}"}', '{"text": 1}', None),
    "a text of zero-width characters": (b'{"text": "\xe2\x80\x8b"}', "\u200b", None),
}

REFUSED = {
    # name: value, reason, what the detail says
    "nothing": (None, "null_value", "tombstone"),
    "an empty value": (b"", "not_json", "truncated"),
    "white space": (b" \n ", "not_json", "truncated"),
    "plain text": (b"hello", "not_json", "JSON is malformed"),
    "too many bytes": (b'{"text": "%s"}' % (b"a" * 20_000), "too_large", "input.max_value_bytes"),
    "a trailing comma": (b'{"text": "hello",}', "not_json", "trailing comma"),
    "a trailing comma in an array": (b'{"text": "hello", "n": [1,]}', "not_json", "trailing comma"),
    "single quotes": (b"{'text': 'hello'}", "not_json", "object keys must be strings"),
    "names without quotes": (b'{text: "hello"}', "not_json", "object keys must be strings"),
    "NaN": (b'{"text": "hello", "n": NaN}', "not_json", "invalid character"),
    "Infinity": (b'{"text": "hello", "n": -Infinity}', "not_json", "JSON is malformed"),
    "Python's words": (b'{"text": "hello", "ok": True}', "not_json", "invalid character"),
    "a comment": (b'{"text": "hello"} // it', "not_json", "trailing characters"),
    "two objects": (f"{HELLO}\n{HELLO}".encode(), "not_json", "trailing characters"),
    "an object cut off": (b'{"text": "hel', "not_json", "truncated"),
    "a raw newline in a text": (b'{"text": "a\nb"}', "not_json", "invalid character"),
    "a raw NUL in a text": (b'{"text": "a\x00b"}', "not_json", "invalid character"),
    "an unknown escape": (b'{"text": "\\x41"}', "not_json", "invalid escaped character"),
    "hexadecimal": (b'{"text": "hello", "n": 0x10}', "not_json", "JSON is malformed"),
    "a text nested too deep": (b'{"text": %s%s}' % (b"[" * 2000, b"]" * 2000), "not_json", "nested deeper"),
    "objects nested too deep": (b'{"a":' * 2000 + b"1" + b"}" * 2000, "not_json", "nested deeper"),
    "half of a surrogate pair": (b'{"text": "\\ud800"}', "lone_surrogate", "half of a surrogate pair"),
    "the other half": (b'{"text": "a\\udc00b"}', "lone_surrogate", "half of a surrogate pair"),
    "half of a pair elsewhere": (b'{"text": "hello", "n": "\\uD83D"}', "lone_surrogate", "half of a surrogate pair"),
    "half of a pair in a name": (b'{"\\ud800x": 1, "text": "hello"}', "lone_surrogate", "half of a surrogate pair"),
    "half of a pair in bytes": (b'{"text": "\xed\xa0\x80"}', "not_utf8", "bad byte at 10"),
    "Latin-1": ('{"text": "caf\u00e9 "}'.encode("latin-1"), "not_utf8", "bad byte at 13"),
    "UTF-16 with a mark": (HELLO.encode("utf-16"), "not_utf8", "UTF-16"),
    "UTF-16, little end first": (HELLO.encode("utf-16-le"), "not_utf8", "UTF-16"),
    "UTF-16, big end first": (HELLO.encode("utf-16-be"), "not_utf8", "UTF-16"),
    "UTF-32": (HELLO.encode("utf-32-be"), "not_utf8", "UTF-32"),
    "UTF-32, little end first": (HELLO.encode("utf-32-le"), "not_utf8", "UTF-32"),
    "gzip": (gzip.compress(HELLO.encode(), mtime=0), "not_utf8", "compression.type"),
    "zstd": (b"\x28\xb5\x2f\xfd\x04\x00", "not_utf8", "compression.type"),
    "a Java object": (b"\xac\xed\x00\x05t\x00\x05hello", "not_utf8", "Java"),
    "an Avro file": (b"Obj\x01\x04\x16avro.schema", "not_utf8", "an Avro file"),
    "Avro of a registry": (FRAME + b"\x0ahello", "schema_registry", "schema id 7"),
    "Avro that is no UTF-8": (FRAME + b"\xc8\x01" + b"a" * 100, "schema_registry", "schema id 7"),
    "Protobuf of a registry": (FRAME + b"\x00\x0a\x05hello", "schema_registry", "Avro or Protobuf"),
    "JSON Schema cut off": (FRAME + b'{"text": "hel', "not_json", "truncated"),
    "a string of a registry": (FRAME + b'"hello"', "schema_registry", "schema id 7"),
    "a zero alone": (b"\x00", "not_json", "invalid character"),
    "a text in quotes": (b'"hello"', "not_an_object", "got a string"),
    "a number": (b"42", "not_an_object", "got a number"),
    "true": (b"true", "not_an_object", "got a boolean"),
    "null in JSON": (b"null", "not_an_object", "got a null"),
    "an array of objects": (f"[{HELLO}]".encode(), "not_an_object", "got an array"),
    "no text": (b'{"body": "hello"}', "no_text", "got nothing"),
    "another case": (b'{"Text": "hello"}', "no_text", "got nothing"),
    "null as text": (b'{"text": null}', "no_text", "got null"),
    "a text inside": (b'{"text": {"body": "hello"}}', "text_not_a_string", "got an object"),
    "texts in an array": (b'{"text": ["hello", "you"]}', "text_not_a_string", "got an array"),
    "a number as text": (b'{"text": 42}', "text_not_a_string", "got a number"),
    "a boolean as text": (b'{"text": false}', "text_not_a_string", "got a boolean"),
    "an empty text": (b'{"text": ""}', "empty_text", "white space"),
    "blanks": ('{"text": " \\t\u00a0\u3000\\n"}'.encode(), "empty_text", "white space"),
    "a boolean as id": (b'{"text": "hello", "id": true}', "id_not_a_string", "got a boolean"),
    "an object as id": (b'{"text": "hello", "id": {"$oid": "1"}}', "id_not_a_string", "got an object"),
    "an array as id": (b'{"text": "hello", "id": [1]}', "id_not_a_string", "got an array"),
    "a CloudEvent": (json.dumps(CLOUD_EVENT).encode(), "no_text", "CloudEvent: set input.text_field to data.text"),
    "a Connect envelope": (b'{"schema": {}, "payload": {"text": "hello"}}', "no_text", "payload.text"),
    "a change event": (b'{"before": null, "after": {"text": "hello"}, "op": "c"}', "no_text", "after.text"),
}


def decode(value, **options):
    options = {"max_value_bytes": 20_000, **options}
    return Decode(**options).decode(Record("messages", 0, 1, None, value, 0))


@pytest.mark.parametrize("name", READ)
def test_what_can_be_read_is_read(name):
    value, text, identity = READ[name]

    document = decode(value)

    assert isinstance(document, Document), document
    assert (text, identity) == (document.text, document.id)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_for_the_right_reason(name):
    value, reason, said = REFUSED[name]

    letter = decode(value)

    assert isinstance(letter, DeadLetter), letter
    assert (reason, True) == (letter.reason, said in letter.detail), letter.detail


@pytest.mark.parametrize(
    ("value", "field", "expected"),
    [
        (b'{"body.text": "hello"}', "body.text", "hello"),
        (b'{"body.text": "hello", "body": {"text": "not this"}}', "body.text", "hello"),
        (b'{"body": {"text": "hello"}, "body.txt": "not this"}', "body.text", "hello"),
        (b'{"a.b": {"text": "hello"}}', "a.b.text", "hello"),
        (b'{"a": {"b.text": "hello"}}', "a.b.text", "hello"),
        (b'{"a": {"c": 1}, "a.b": {"text": "hello"}}', "a.b.text", "hello"),
        (b'{"a": {"b": {"text": "hello"}}, "a.b": {"text": "not this"}}', "a.b.text", "hello"),
        (b'{"a": 1, "a.b": {"text": "hello"}}', "a.b.text", "hello"),
        (b'{"text.": "hello"}', "text.", "hello"),
        (json.dumps(CLOUD_EVENT).encode(), "data.text", "hello"),
    ],
)
def test_a_field_of_just_that_name_goes_before_a_path(value, field, expected):
    assert expected == decode(value, text_field=field).text


def test_what_was_taken_by_a_path_leaves_its_neighbours_as_they_came():
    document = decode(b'{"a.b": {"text": "hello", "n": 1.50}, "a": {"c": [ 1 ]}}', text_field="a.b.text")

    assert {"a.b": b'{"n":1.50}', "a": b'{"c": [ 1 ]}'} == {
        name: bytes(raw) for name, raw in document.attributes.items()
    }


def test_a_value_in_plain_text_is_no_frame_and_no_json():
    text = FRAME + HELLO.encode()

    assert text.decode() == decode(text, format="text").text


@pytest.mark.parametrize("style", ["json", "text"])
def test_a_tombstone_is_skipped_on_request(style):
    record = Record("messages", 0, 1, b"k", None, 0)

    assert Skipped(record) == Decode(style, tombstones="skip").decode(record)


@pytest.mark.parametrize("value", [b"", b"null", b'{"text": null}'])
def test_what_only_looks_like_a_tombstone_is_not_skipped(value):
    assert isinstance(decode(value, tombstones="skip"), DeadLetter)
