import pytest

from textsieve.worker.redaction import RedactedValue, Redactor, redact_bytes, redact_json

REDACTOR = Redactor.of(("email", "card"))


@pytest.mark.parametrize(
    ("raw", "expected", "counts"),
    [
        (b'"ask jo@example.org"', b'"ask [email]"', {"email": 1}),
        (b'"ask jo\\u0040example.org"', b'"ask [email]"', {"email": 1}),
        (b'{"jo@example.org": ["a@example.org", {"b": 4111111111111111}]}', None, {"email": 2, "card": 1}),
        (b"4111111111111111", b'"[card]"', {"card": 1}),
        (b'{"a": "jo@example.org", "a": 1}', b'{"a":1}', {}),  # the first one would be left in the bytes
        (b"1.50", b"1.50", {}),
        (b'"web\\u0021"', b'"web\\u0021"', {}),
        (b"null", b"null", {}),
    ],
)
def test_every_string_and_number_of_a_value_is_redacted(raw: bytes, expected: bytes | None, counts: object) -> None:
    found = redact_json(REDACTOR, raw)

    assert (expected or b'{"[email]":["[email]",{"b":"[card]"}]}', counts) == (found.value, found.counts)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b'{"text": ["jo@example.org"]}', b'{"text":["[email]"]}'),
        (b'{"text": "jo@example.org"', b'{"text": "[email]"'),
        (b'{"text": "jo\\u0040example.org"', b'{"text": "[email]"'),
        (b'{"a": "jo@example.org", "a": 1}', b'{"a": "[email]", "a": 1}'),
        (b'{"text": "\\uff14111111111111111 \\ud83d\\ude00 \\u0007"', b'{"text": "[card] \\ud83d\\ude00 \\u0007"'),
        (b"[" * 100_000 + b"jo@example.org", b"[" * 100_000 + b"[email]"),
        ("für jo@example.org".encode(), "für [email]".encode()),
        (b'{"text":  1.50}', b'{"text":  1.50}'),
    ],
)
def test_bytes_are_redacted_as_json_or_as_text(value: bytes, expected: bytes) -> None:
    found = redact_bytes(REDACTOR, value)

    assert found is not None
    assert expected == found.value


def test_bytes_in_which_nothing_is_found_stay_as_they_are() -> None:
    value = b'{ "text":\t"hello \\u0021" }'

    assert RedactedValue(value) == redact_bytes(REDACTOR, value)


def test_of_bytes_that_are_no_text_nothing_is_known() -> None:
    assert None is redact_bytes(REDACTOR, "jo@example.org".encode("utf-16"))
