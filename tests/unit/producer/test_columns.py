import json

import pytest

from producer.columns import Columns, to_message
from producer.rows import BadRow, Row


def message(fields, columns=Columns()):  # noqa: B008 - frozen
    return to_message(Row("texts.csv:2", fields), columns)


def test_the_named_columns_become_text_id_and_key_and_the_others_attributes():
    sent = message(
        {"body": "hello", "no": 7, "user": "ann", "channel": "web"}, Columns(text="body", id="no", key="user")
    )

    assert json.loads(sent.value) == {"id": "7", "text": "hello", "user": "ann", "channel": "web"}
    assert sent.key == b"ann"
    assert sent.origin == "texts.csv:2"


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
        ({"text": None}, Columns(), "is not a string"),
        ({"text": "hello", "id": 1.5}, Columns(), "field id"),
        ({"text": "hello", "id": True}, Columns(), "field id"),
        ({"text": "hello", "user": ["ann"]}, Columns(key="user"), "field user"),
        ({"text": "hello", "body": "hi"}, Columns(text="body"), "also a field text"),
    ],
)
def test_a_row_that_does_not_fit_says_why(fields, columns, reason):
    bad = message(fields, columns)

    assert isinstance(bad, BadRow)
    assert reason in bad.reason
