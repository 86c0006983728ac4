"""Every message is a document, or is refused for one reason that is known."""

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from textsieve.worker.records import REASONS, DeadLetter, Document, Header, Record
from textsieve.worker.stages.decode import Decode

DEEP = b"[" * 100_000 + b"]" * 100_000

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


def record(value: bytes | None, *, key: bytes | None = None, headers: Sequence[Header] = ()) -> Record:
    return Record("messages", 3, 1042, key, value, 1000, tuple(headers))


def decode(value: bytes, **options: object) -> Document:
    document = Decode(**options).decode(record(value))
    assert isinstance(document, Document), document
    return document


def refuse(value: bytes | None, **options: object) -> DeadLetter:
    letter = Decode(**options).decode(record(value))
    assert isinstance(letter, DeadLetter), letter
    return letter


@pytest.mark.parametrize(("expected", "value"), BAD_INPUTS)
def test_a_bad_input_has_the_reason_that_the_docs_name(expected, value):
    assert expected == refuse(value, max_value_bytes=256).reason


def test_every_reason_of_decoding_has_an_example_here():
    of_later_stages = {"inference_failed", "result_too_large"}

    assert set(REASONS) - of_later_stages == {name for name, _ in BAD_INPUTS}


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
    outcome = Decode(style, text_field=path, max_value_bytes=10_000).decode(record(value))

    if isinstance(outcome, DeadLetter):
        assert ("decode", True) == (outcome.stage, outcome.reason in REASONS)
    else:
        assert "" != outcome.text.strip()


@pytest.mark.parametrize(("reason", "value"), BAD_INPUTS)
def test_a_detail_is_one_short_line(reason, value):
    detail = refuse(value, max_value_bytes=256).detail

    assert [detail] == detail.splitlines()
    assert len(detail) <= 200


def test_a_list_that_never_ends_is_not_json():
    letter = Decode().decode(Record("in", 0, 0, None, b"[1, 2", 0))

    assert isinstance(letter, DeadLetter)
    assert "not_json" == letter.reason


def test_a_value_is_measured_in_bytes_and_may_be_just_as_long_as_allowed():
    value = '{"text": "é"}'.encode()

    assert "é" == decode(value, max_value_bytes=14).text
    assert "too_large" == refuse(value, max_value_bytes=13).reason


@given(st.sampled_from(LEAKS), st.from_regex(r"\A[A-Z]{12}\Z"))
def test_a_detail_contains_nothing_of_the_payload(shape, secret):
    letter = refuse(shape.replace(b"%s", secret.encode()))

    assert secret not in letter.detail
