import json

import msgspec
import pytest

from textsieve.files.rows import BadRow, Row
from textsieve.producer.columns import Columns, to_message


def message(fields, columns=Columns()):  # noqa: B008 - frozen
    """A message of a JSON line, whose fields are JSON."""
    raw = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}
    return to_message(Row("texts.jsonl", 2, raw), columns)


def test_the_named_columns_become_text_id_and_key_and_the_others_attributes():
    sent = message(
        {"body": "hello", "no": 7, "user": "ann", "channel": "web"}, Columns(text="body", id="no", key="user")
    )

    assert json.loads(sent.value) == {"id": "7", "text": "hello", "user": "ann", "channel": "web"}
    assert sent.key == b"ann"
    assert sent.origin == "texts.jsonl:2"


def test_a_field_named_id_is_the_id_where_there_is_one():
    assert message({"id": "a", "text": "hello"}).value == b'{"id":"a","text":"hello"}'


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_id_or_key_is_none(empty):
    sent = message({"id": empty, "text": "hello", "user": empty}, Columns(key="user"))

    assert "id" not in json.loads(sent.value)
    assert sent.key is None


@pytest.mark.parametrize(
    ("fields", "columns", "reason"),
    [
        ({"body": "hello"}, Columns(), "no field text"),
        ({"text": "hello"}, Columns(key="user"), "no field user"),
        ({"text": "hello"}, Columns(id="no"), "no field no"),
        ({"text": " \t"}, Columns(), "is empty"),
        ({"text": None}, Columns(), "is not a string, it is null"),
        ({"text": 7}, Columns(), "is not a string, it is a number"),
        ({"text": "hello", "id": {}}, Columns(), "field id"),
        ({"text": "hello", "id": True}, Columns(), "field id"),
        ({"text": "hello", "user": ["ann"]}, Columns(key="user"), "field user"),
        ({"text": "hello", "body": "hi"}, Columns(text="body"), "also a field text"),
    ],
)
def test_a_row_that_does_not_fit_says_why(fields, columns, reason):
    bad = message(fields, columns)

    assert isinstance(bad, BadRow)
    assert reason in bad.reason


@pytest.mark.parametrize("number", ["7", "1.50", "1e400", "123456789012345678901234567890"])
def test_a_number_as_id_or_key_is_taken_as_it_is_written(number):
    row = Row("a.jsonl", 1, {"id": msgspec.Raw(number.encode()), "text": "hello"})

    sent = to_message(row, Columns(key="id"))

    assert sent.value == f'{{"id":"{number}","text":"hello"}}'.encode()
    assert sent.key == number.encode()


def test_attributes_pass_through_byte_for_byte():
    row = Row("a.jsonl", 1, {"text": "hello", "x": msgspec.Raw(b"1.10"), "y": msgspec.Raw(b'{"z" : 1e400}')})

    assert to_message(row, Columns()).value == b'{"text":"hello","x":1.10,"y":{"z" : 1e400}}'


def test_columns_that_go_by_number_keep_their_names_as_attributes():
    row = Row("a.csv", 2, {"v1": "ham", "v2": "hello"}, {"1": "v1", "2": "v2"})

    sent = to_message(row, Columns(text="2", key="1"))

    assert sent.value == b'{"text":"hello","v1":"ham"}'
    assert sent.key == b"ham"
